"""An alert reaches the receiver of its address and no other server."""

from __future__ import annotations

import ast
from pathlib import Path

import apprise
import pytest
from pydantic import SecretStr

from pipelines.alerts import Alert, send
from pipelines.errors import SettingError
from pipelines.settings import load_alerts, receivers
from tests.integration.answering_server import Reply, answering_server, self_signed

TOKEN = "t0k3n-7hat-must-not-show"
ALERT = Alert("Floriday: orders.sales_orders failed", "Look at it.", "failure")
OTHER_CLIENTS = {"aiohttp", "http.client", "httpx", "urllib.request", "urllib3"}
VERBS = {"delete", "get", "head", "options", "patch", "post", "put", "request"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("schema", ["json", "xml", "form", "ntfy", "gotify"])
def test_a_redirect_is_not_followed(schema: str, status: int) -> None:
    """A redirect is not followed with any service and status; the other server receives no alert and no header."""
    with answering_server() as server, answering_server() as other:
        place = "/message" if schema == "gotify" else f"/{TOKEN}"
        for path in ("/", place, f"{place}/message"):
            server.respond(path, Reply(status, headers={"Location": f"{other.address}/taken"}))
        address = f"{server.address.replace('http', schema, 1)}/{TOKEN}"

        failures = send([SecretStr(f"{address}?+X-Token={TOKEN}&+Authorization={TOKEN}")], ALERT)

        assert len(server.requests) == 1
        assert other.requests == []
    assert len(failures) == 1
    assert failures[0].endswith(f" answered {status}")


@pytest.mark.parametrize(
    "address",
    [
        *(
            f"jsons://hooks.example.com/{TOKEN}?verify={no}"
            for no in ("no", "NO", "false", "0", "off", "n", "never", "%6eo")
        ),
        f"jsons://hooks.example.com/{TOKEN}?VERIFY=no",
        f"jsons://hooks.example.com/{TOKEN}?verify=yes&verify=no",
        f"mailtos://user:{TOKEN}@nursery.nl?verify=no",
        f"ntfys://{TOKEN}?verify=no",
        f"slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#{TOKEN}?verify=no",
        f"jsons://hooks.example.com/{TOKEN}?redirect=yes",
        f"jsons://hooks.example.com/{TOKEN}?Redirect=1",
    ],
)
def test_an_address_cannot_disable_the_protection(address: str, tmp_path: Path) -> None:
    """An address that disables the verification of certificates or allows redirects is refused in every spelling."""
    (tmp_path / ".env").touch()

    with pytest.raises(SettingError, match=r"address 1 of 1 \(.*\) sets verify=no or redirect=yes") as refused:
        load_alerts({"FLORIDAY_ALERTS": address}, tmp_path)

    assert TOKEN not in str(refused.value)
    assert receivers.receiver(address) is None


def test_nothing_is_sent_without_verification(tmp_path: Path) -> None:
    """Without the check of the settings too, nothing is sent to an address that disables the verification."""
    with answering_server(self_signed(tmp_path)) as server:
        address = server.address.replace("http://127.0.0.1", "jsons://localhost")
        failures = send([SecretStr(f"{address}/{TOKEN}?verify=no")], ALERT)

    assert failures == ["address 1 (unreadable) did not take the alert"]
    assert server.requests == []


def test_every_service_uses_both_settings() -> None:
    """Each HTTP call of the alert library's services passes on the settings for redirects and certificates."""
    calls, unprotected, others = 0, [], []
    for path in sorted((Path(apprise.__file__).parent / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_http_call(node):
                calls += 1
                passed = {each.arg: ast.unparse(each.value) for each in node.keywords}
                if (
                    passed.get("allow_redirects") != "self.redirects"
                    or passed.get("verify", "self.verify_certificate") != "self.verify_certificate"
                ):
                    unprotected.append(f"{path.name}:{node.lineno}")
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {getattr(node, "module", None), *(alias.name for alias in node.names)}
                others += [f"{path.name}: {name}" for name in sorted(OTHER_CLIENTS & names)]

    assert calls > 150
    assert unprotected == []
    assert others == []


def _is_http_call(call: ast.Call) -> bool:
    """Whether the call is one of ``requests``, directly or through a variable."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in VERBS:
        return ast.unparse(call.func.value) in {"requests", "session", "self.session", "self._session"}
    timeouts = [ast.unparse(each.value) for each in call.keywords if each.arg == "timeout"]
    return timeouts == ["self.request_timeout"] and ast.unparse(call.func).islower()
