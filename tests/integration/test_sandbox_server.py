"""The sandbox answers as Floriday does: tokens, API keys, scopes, pages, snapshots, limits and errors."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import requests

from pipelines.sandbox import Fault, Kind, Sandbox, Switches

ORDERS = "/sales-orders/sync/"


class Caller(requests.Session):
    """A client with an access token and an API key."""

    def __init__(self, sandbox: Sandbox, *, account: str = "main", scope: str = "") -> None:
        super().__init__()
        self._sandbox = sandbox
        self.headers["X-Api-Key"] = sandbox.api_keys[account]
        self.headers["Authorization"] = f"Bearer {token(sandbox, scope=scope).json()['access_token']}"

    def call(self, path: str, **parameters: Any) -> requests.Response:
        """GET a path of the API."""
        return self.get(f"{self._sandbox.base_url}{path}", params=parameters, timeout=10, allow_redirects=False)

    def numbers(self, path: str, **parameters: Any) -> tuple[int, list[int]]:
        """A page's maximum and the sequence numbers of its records."""
        page = self.call(path, **parameters).json()
        return page["maximumSequenceNumber"], [record["sequenceNumber"] for record in page["results"]]


def token(sandbox: Sandbox, **changes: str) -> requests.Response:
    """Request a token with the right credentials, changed by the arguments."""
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        **changes,
    }
    return requests.post(sandbox.token_url, data={name: text for name, text in form.items() if text}, timeout=10)


def order(number: int, **members: Any) -> dict[str, Any]:
    """A sales order with its key."""
    return {"salesOrderId": str(UUID(int=number)), "customerOrderId": f"PO {number}", **members}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without records."""
    with Sandbox(empty=True, accounts=("main", "second")) as running:
        yield running


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    """A client of the account ``main`` with all scopes."""
    with Caller(sandbox) as session:
        yield session


def assert_no_token(answer: requests.Response) -> None:
    """Assert that the answer is Floriday's to an invalid token."""
    assert answer.status_code == 401
    assert answer.json()["status"] == "401"
    assert answer.json()["domainErrorCode"] == "invalid-access-token"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Floriday API", error="invalid_token"'
    assert answer.headers["x-amzn-ErrorType"] == "UnauthorizedException"


class TestTokenEndpoint:
    """The token endpoint grants tokens and scopes."""

    def test_credentials_in_the_form_give_a_token_for_an_hour(self, sandbox: Sandbox) -> None:
        """Credentials in the form are accepted, and the token lasts an hour."""
        answer = token(sandbox, scope="role:app supply:read").json()

        assert answer["token_type"] == "Bearer"
        assert answer["expires_in"] == 3600
        assert answer["scope"].split() == ["role:app", "supply:read"]

    def test_basic_credentials_are_accepted(self, sandbox: Sandbox) -> None:
        """Credentials in the Authorization header are accepted."""
        form = {"grant_type": "client_credentials"}
        credentials = (sandbox.client_id, sandbox.client_secret)

        assert requests.post(sandbox.token_url, data=form, auth=credentials, timeout=10).status_code == 200

    @pytest.mark.parametrize("wrong", [{"client_id": "somebody"}, {"client_secret": "guess"}, {"client_secret": ""}])
    def test_wrong_credentials_are_an_invalid_client(self, sandbox: Sandbox, wrong: dict[str, str]) -> None:
        """A wrong or missing credential is answered with 401."""
        answer = token(sandbox, **wrong)

        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")

    def test_malformed_basic_credentials_are_an_invalid_client(self, sandbox: Sandbox) -> None:
        """Credentials that are not base64 or not text are answered as wrong ones."""
        for text in ("%%%", base64.b64encode(b"\xff\xfe").decode()):
            headers = {"Authorization": f"Basic {text}"}
            answer = requests.post(sandbox.token_url, data={}, headers=headers, timeout=10)

            assert answer.json()["error"] == "invalid_client"

    def test_only_the_client_credentials_grant_is_supported(self, sandbox: Sandbox) -> None:
        """Another grant type is refused."""
        answer = token(sandbox, grant_type="password")

        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")

    def test_unknown_scopes_are_left_out(self, sandbox: Sandbox) -> None:
        """Unknown scopes are left out of the granted ones."""
        assert token(sandbox, scope="role:app weather:read").json()["scope"] == "role:app"

    def test_unknown_scopes_can_be_an_error(self, sandbox: Sandbox) -> None:
        """With the switch, one unknown scope makes the request invalid."""
        sandbox.set_switches(refuses_unknown_scopes=True)

        assert token(sandbox, scope="role:app weather:read").json()["error"] == "invalid_scope"
        assert token(sandbox, scope="role:app").status_code == 200

    def test_only_unknown_scopes_are_refused(self, sandbox: Sandbox) -> None:
        """A request for unknown scopes only is refused."""
        assert token(sandbox, scope="weather:read").json()["error"] == "invalid_scope"

    def test_all_scopes_can_be_granted(self, sandbox: Sandbox) -> None:
        """With the switch, the token carries all scopes."""
        sandbox.set_switches(grants_all_scopes=True)

        assert set(token(sandbox, scope="role:app").json()["scope"].split()) == sandbox.application.scopes

    def test_scopes_can_be_left_out_of_the_answer(self, sandbox: Sandbox) -> None:
        """With the switch, the answer does not contain the scopes."""
        sandbox.set_switches(returns_scopes=False)

        assert "scope" not in token(sandbox).json()

    def test_metadata_are_served_in_both_places(self, sandbox: Sandbox) -> None:
        """The metadata are served below the issuer and at the path of RFC 8414."""
        path = sandbox.auth_url.removeprefix(sandbox.url)
        below = f"{sandbox.auth_url}/.well-known/oauth-authorization-server"
        by_the_rfc = f"{sandbox.url}/.well-known/oauth-authorization-server{path}"

        for address in (below, by_the_rfc):
            document = requests.get(address, timeout=10).json()
            assert document["issuer"] == sandbox.auth_url
            assert document["token_endpoint"] == sandbox.token_url

    def test_metadata_can_be_changed(self, sandbox: Sandbox) -> None:
        """The metadata can be changed to name another token endpoint."""
        sandbox.metadata_changes["token_endpoint"] = "https://other.example/token"
        address = f"{sandbox.auth_url}/.well-known/oauth-authorization-server"

        assert requests.get(address, timeout=10).json()["token_endpoint"] == "https://other.example/token"


class TestAccess:
    """The API checks token, API key, scope and route."""

    def test_no_token_and_a_wrong_one_are_401(self, sandbox: Sandbox) -> None:
        """A missing or wrong token is answered with 401 in Floriday's form."""
        key = {"X-Api-Key": sandbox.api_keys["main"]}

        assert_no_token(requests.get(f"{sandbox.base_url}/identities", headers=key, timeout=10))
        bad = {**key, "Authorization": "Bearer nonsense"}
        assert_no_token(requests.get(f"{sandbox.base_url}/identities", headers=bad, timeout=10))

    def test_a_token_without_a_key_is_401(self, caller: Caller) -> None:
        """A missing API key is answered like a missing token."""
        del caller.headers["X-Api-Key"]

        assert_no_token(caller.call("/identities"))

    def test_a_wrong_key_is_403(self, caller: Caller) -> None:
        """An unknown API key is answered with 403."""
        caller.headers["X-Api-Key"] = "unknown"
        answer = caller.call("/identities")

        assert answer.status_code == 403
        assert answer.json()["detail"] == "The specified api key is invalid."

    def test_a_token_ends(self) -> None:
        """A token is refused once its lifetime is over."""
        moment = [0.0]
        with Sandbox(empty=True, switches=Switches(token_lifetime=60), clock=lambda: moment[0]) as sandbox:
            caller = Caller(sandbox)
            assert caller.call("/identities").status_code == 200
            moment[0] = 60.0

            assert_no_token(caller.call("/identities"))

    def test_tokens_can_be_ended_and_revoked(self, sandbox: Sandbox, caller: Caller) -> None:
        """All tokens, or a single one, can be made invalid."""
        sandbox.tokens.expire()
        assert_no_token(caller.call("/identities"))

        fresh = Caller(sandbox)
        sandbox.tokens.revoke(str(fresh.headers["Authorization"]).removeprefix("Bearer "))
        assert_no_token(fresh.call("/identities"))

    def test_a_missing_scope_is_403(self, sandbox: Sandbox) -> None:
        """Each operation requires its own scope, and all require the application's role."""
        without_role = Caller(sandbox, scope="sales-order:read")
        without_orders = Caller(sandbox, scope="role:app supply:read")

        assert without_role.call(f"{ORDERS}0").status_code == 403
        assert without_orders.call(f"{ORDERS}0").status_code == 403
        assert without_orders.call("/identities").status_code == 403
        assert without_orders.call("/supply-lines/sync/0").status_code == 200

    def test_maxima_of_deliveries_require_another_scope(self, sandbox: Sandbox) -> None:
        """The maxima of delivery and fulfillment orders require supply:read, their pages fulfillment:read."""
        caller = Caller(sandbox, scope="role:app fulfillment:read")

        for path in ("/delivery-orders", "/fulfillment-orders"):
            assert caller.call(f"{path}/sync/0").status_code == 200
            assert caller.call(f"{path}/current-max-sequence").status_code == 403

    def test_unknown_routes_versions_and_methods(self, sandbox: Sandbox, caller: Caller) -> None:
        """An unknown route is 404, another version or API 403, and a wrong method 405."""
        assert caller.call("/nowhere").json()["domainErrorCode"] == "route-not-found"
        assert caller.get(f"{sandbox.url}/other", timeout=10).status_code == 404
        assert caller.get(f"{sandbox.url}/suppliers-api-2025v2/identities", timeout=10).status_code == 403
        assert caller.get(f"{sandbox.url}/customers-api-2026v1/identities", timeout=10).status_code == 403
        assert caller.post(f"{sandbox.base_url}{ORDERS}0", timeout=10).status_code == 405

    def test_identity_belongs_to_the_key(self, sandbox: Sandbox) -> None:
        """The identity is the organization of the API key, with the application and the version."""
        for name in ("main", "second"):
            identity = Caller(sandbox, account=name).call("/identities").json()

            assert identity["organization"]["organizationId"] == sandbox.accounts[name].organization_id
            assert identity["clientId"] == sandbox.client_id
            assert identity["apiVersion"] == "2026v1"


class TestFeeds:
    """Feeds serve pages, maxima and single records."""

    def test_pages_are_exclusive_and_ascending_and_have_their_own_maximum(
        self, sandbox: Sandbox, caller: Caller
    ) -> None:
        """A page begins after the requested number, is ascending, and ends with its maximum."""
        numbers = [sandbox.book("sales_orders").put(order(place)) for place in range(5)]

        assert caller.numbers(f"{ORDERS}0", limitResult=2) == (numbers[1], numbers[:2])
        assert caller.numbers(f"{ORDERS}{numbers[1]}", limitResult=2) == (numbers[3], numbers[2:4])
        assert caller.numbers(f"{ORDERS}{numbers[4]}") == (numbers[4], [])

    def test_pages_can_be_inclusive(self, sandbox: Sandbox, caller: Caller) -> None:
        """With the switch, a page begins at the requested number."""
        numbers = [sandbox.book("sales_orders").put(order(place)) for place in range(3)]
        sandbox.set_switches(inclusive=True)

        assert caller.numbers(f"{ORDERS}{numbers[1]}") == (numbers[2], numbers[1:])

    def test_filtered_records_count_for_the_maximum(self, sandbox: Sandbox, caller: Caller) -> None:
        """Filtered records count for the page's maximum, so that a page can be empty before the end."""
        book = sandbox.book("sales_orders")
        numbers = [book.put(order(place), hidden=place < 2) for place in range(3)]

        assert caller.numbers(f"{ORDERS}0", limitResult=2) == (numbers[1], [])
        assert caller.numbers(f"{ORDERS}{numbers[1]}", limitResult=2) == (numbers[2], numbers[2:])

    def test_an_empty_page_repeats_the_number(self, caller: Caller) -> None:
        """An empty page has the requested number as its maximum."""
        assert caller.numbers(f"{ORDERS}77") == (77, [])

    def test_the_maximum_is_a_bare_number(self, sandbox: Sandbox, caller: Caller) -> None:
        """The maximum of a feed is a bare number."""
        number = sandbox.book("sales_orders").put(order(1))
        answer = caller.call("/sales-orders/current-max-sequence")

        assert answer.text == str(number)
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"

    @pytest.mark.parametrize("limit", ["0", "1001", "-1", "many"])
    def test_page_sizes_beyond_the_limits_are_400(self, caller: Caller, limit: str) -> None:
        """A page size beyond the limits is 400 with the parameter's name."""
        answer = caller.call(f"{ORDERS}0", limitResult=limit)

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["limitResult"]
        assert answer.json()["domainErrorCode"] == "invalid-parameters"

    def test_an_invalid_number_is_400(self, caller: Caller) -> None:
        """Text instead of a sequence number is 400."""
        assert caller.call(f"{ORDERS}latest").status_code == 400

    def test_unknown_parameters_are_ignored(self, sandbox: Sandbox, caller: Caller) -> None:
        """An unknown parameter is ignored."""
        for place in range(3):
            sandbox.book("sales_orders").put(order(place))

        assert len(caller.numbers(f"{ORDERS}0", limit=1)[1]) == 3

    def test_records_by_id(self, sandbox: Sandbox, caller: Caller) -> None:
        """A record can be read by its id in any case of letters, and an unknown id is 404."""
        sandbox.book("sales_orders").put(order(0xABC))

        assert caller.call(f"/sales-orders/{str(UUID(int=0xABC)).upper()}").json()["customerOrderId"] == "PO 2748"
        assert caller.call(f"/sales-orders/{UUID(int=5)}").status_code == 404

    def test_bytes_are_served_unchanged(self, sandbox: Sandbox, caller: Caller) -> None:
        """Stored bytes are served unchanged, also when they are not JSON."""
        book = sandbox.book("sales_orders")
        book.put(order(1))
        book.put(b'{"salesOrderId": nonsense,\t"x":1.10}')

        assert b'{"salesOrderId": nonsense,\t"x":1.10}' in caller.call(f"{ORDERS}0").content

    def test_records_belong_to_a_key(self, sandbox: Sandbox) -> None:
        """Records belong to one API key; the register of organizations is shared."""
        sandbox.book("sales_orders", "main").put(order(1))
        sandbox.book("organizations", "main").put({"organizationId": "x"})
        second = Caller(sandbox, account="second")

        assert second.numbers(f"{ORDERS}0") == (0, [])
        assert len(second.numbers("/organizations/sync/0")[1]) == 1

    @pytest.mark.parametrize("api", ["suppliers", "customers"])
    def test_everything_is_served(self, api: str) -> None:
        """Each feed of the catalogue serves pages and, if it has one, a maximum; each snapshot serves a list."""
        supplier = {"supplierOrganizationId": str(UUID(int=1))}
        with Sandbox(api=api, empty=True) as sandbox:
            caller = Caller(sandbox)
            for feed in sandbox.feeds.values():
                page = caller.call(feed.endpoint.page(0), **{feed.endpoint.page_parameter: 10}, **supplier)
                assert page.json() == {"maximumSequenceNumber": 0, "results": []}
                if feed.endpoint.max_sequence:
                    assert caller.call(feed.endpoint.max_sequence).json() == 0
            for snapshot in sandbox.snapshots.values():
                parameters = dict.fromkeys(snapshot.parameters, "1" if snapshot.asked_by == "week" else "2026-11-24")
                assert caller.call(snapshot.path, **parameters).json() == []

    @pytest.mark.parametrize("api", ["suppliers", "customers"])
    def test_single_records_are_served(self, api: str) -> None:
        """Feeds with an operation for single records serve them by id."""
        with Sandbox(api=api, empty=True) as sandbox:
            caller = Caller(sandbox)
            for feed in sandbox.feeds.values():
                if path := feed.endpoint.by_id:
                    (key,) = sandbox.book(feed.name).key
                    sandbox.book(feed.name).put({key: "an-id"})
                    assert caller.call(path.format(**{key: "AN-ID"})).json()[key] == "an-id"
                    assert caller.call(path.format(**{key: "another"})).status_code == 404

    def test_fixed_paths_take_precedence(self, sandbox: Sandbox, caller: Caller) -> None:
        """A fixed path takes precedence over the id of a record or a number."""
        sandbox.book("sales_strategies").put({"salesStrategyId": "a"}, number=8)

        assert caller.call("/sales-strategies/sync/max-sequence-number").json() == 8
        assert caller.call("/trade-settings/customer/max-sequence").json() == 0
        assert caller.call("/trade-items/base-supply", year=2026, week=48).json() == []
        assert caller.call("/batches/mutations/sync/0").json()["results"] == []

    def test_a_feed_without_a_maximum(self, caller: Caller) -> None:
        """Inbound fulfillment orders have no maximum."""
        assert caller.call("/fulfillment-orders/inbound/current-max-sequence").status_code == 404

    def test_a_required_page_size(self, caller: Caller) -> None:
        """Availabilities per week require a page size."""
        path = "/trade-items/availabilities-per-week/sync/0"

        assert list(caller.call(path).json()["errors"]) == ["limit"]
        assert caller.call(path, limit=1000).status_code == 200

    @pytest.mark.parametrize("path", ["/contracts/sync/0", "/delivery-condition-sets/sync/0"])
    def test_small_pages(self, caller: Caller, path: str) -> None:
        """Pages of contracts and delivery condition sets contain at most 100 records."""
        assert caller.call(path, limitResult=100).status_code == 200
        assert caller.call(path, limitResult=101).status_code == 400

    def test_single_groups_require_another_scope(self, sandbox: Sandbox) -> None:
        """A single contract trade item group requires catalog:read, its pages contract:read."""
        caller = Caller(sandbox, scope="role:app contract:read")

        assert caller.call("/contract-trade-item-groups/sync/0").status_code == 200
        assert caller.call("/contract-trade-item-groups/some").status_code == 403


class TestSnapshots:
    """Snapshots serve lists without sequence numbers."""

    def test_a_week(self, sandbox: Sandbox, caller: Caller) -> None:
        """A snapshot of a week contains the records of that week."""
        for week in (47, 48):
            sandbox.book("weekly_base_supply").put({"tradeItemId": "a", "year": 2026, "week": week})

        assert caller.call("/trade-items/base-supply", year=2026, week=48).json() == [
            {"tradeItemId": "a", "year": 2026, "week": 48}
        ]

    def test_a_moment(self, sandbox: Sandbox, caller: Caller) -> None:
        """A snapshot of a moment contains the records that can be ordered then."""
        period = {"startDateTime": "2026-11-24T06:00:00Z", "endDateTime": "2026-11-25T06:00:00Z"}
        sandbox.book("batch_base_supply").put({"batchId": "a", "orderPeriod": period})
        lists = [
            caller.call("/batches/base-supply", orderDateTime=moment).json()
            for moment in ("2026-11-24T05:59:59Z", "2026-11-24T06:00:00Z", "2026-11-25T07:00:00+01:00", "2026-11-26")
        ]

        assert [len(records) for records in lists] == [0, 1, 1, 0]
        assert lists[1] == [{"batchId": "a", "orderPeriod": period}]

    @pytest.mark.parametrize(
        ("path", "parameters", "wrong"),
        [
            ("/trade-items/base-supply", {}, "year"),
            ("/trade-items/base-supply", {"year": 2026}, "week"),
            ("/trade-items/base-supply", {"year": 2026, "week": "next"}, "week"),
            ("/batches/base-supply", {}, "orderDateTime"),
            ("/batches/base-supply", {"orderDateTime": "now"}, "orderDateTime"),
        ],
    )
    def test_parameters_are_required(self, caller: Caller, path: str, parameters: dict[str, Any], wrong: str) -> None:
        """A missing or invalid parameter is 400 with its name."""
        answer = caller.call(path, **parameters)

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [wrong]

    def test_weeks_have_a_lower_rate_limit(self, caller: Caller) -> None:
        """Snapshots of weeks are limited to a burst of twenty calls."""
        codes = [caller.call("/trade-items/base-supply", year=2026, week=1).status_code for _ in range(40)]

        assert codes[:20] == [200] * 20
        assert 429 in codes


class TestCustomers:
    """The Customers API has operations and filters of its own."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        """A sandbox of the Customers API without records."""
        with Sandbox(api="customers", empty=True) as running:
            yield running

    def test_identity_has_another_name(self, sandbox: Sandbox, caller: Caller) -> None:
        """The identity contains the customer's organization."""
        identity = caller.call("/identities").json()

        assert identity["customerOrganization"]["organizationId"] == sandbox.accounts["main"].organization_id
        assert "organization" not in identity

    def test_filters_hide_records_that_still_count(self, sandbox: Sandbox, caller: Caller) -> None:
        """A filter that is on by default hides records, which still count for the page's maximum."""
        book = sandbox.book("supply_lines")
        first = book.put({"supplyLineId": "a"})
        second = book.put({"supplyLineId": "b"}, filtered_by=["postFilterSelectedTradeItems"])
        path = "/supply-lines/sync/0"

        assert caller.numbers(path) == (second, [first])
        assert caller.numbers(path, postFilterSelectedTradeItems="true") == (second, [first])
        assert caller.numbers(path, postFilterSelectedTradeItems="false") == (second, [first, second])
        assert caller.call(path, postFilterSelectedTradeItems="maybe").status_code == 400

    def test_filters_that_are_off_by_default(self, sandbox: Sandbox, caller: Caller) -> None:
        """A filter that is off by default hides records only when it is turned on."""
        number = sandbox.book("clock_presales_supply_lines").put(
            {"supplyLineId": "a"}, filtered_by=["postFilterConnections"]
        )
        path = "/auction/clock-presales-supply/sync/0"

        assert caller.numbers(path) == (number, [number])
        assert caller.numbers(path, postFilterConnections="true") == (number, [])

    def test_one_supplier_at_a_time(self, sandbox: Sandbox, caller: Caller) -> None:
        """Contract trade item groups are served for one required supplier."""
        book = sandbox.book("contract_trade_item_groups")
        numbers = [
            book.put({"contractTradeItemGroupId": str(place), "supplierOrganizationId": "ab"[place % 2]})
            for place in range(5)
        ]
        path = "/contract-trade-item-groups/sync/"

        assert list(caller.call(f"{path}0").json()["errors"]) == ["supplierOrganizationId"]
        assert caller.numbers(f"{path}0", supplierOrganizationId="A", limit=2) == (numbers[2], [numbers[0], numbers[2]])
        assert caller.numbers(f"{path}{numbers[2]}", supplierOrganizationId="a") == (numbers[4], [numbers[4]])
        assert caller.numbers(f"{path}0", supplierOrganizationId="b") == (numbers[3], [numbers[1], numbers[3]])
        assert caller.numbers(f"{path}7", supplierOrganizationId="c") == (7, [])

    def test_rebuilding_a_selection(self, sandbox: Sandbox, caller: Caller) -> None:
        """While a feed is rebuilt it answers with 423; then its numbering begins again. Other feeds continue."""
        book = sandbox.book("custom_supply_lines")
        old = book.put({"supplyLineId": "a"}, number=5_000_000)
        path = "/supply-lines/sync/custom"
        with sandbox.rebuild("custom_supply_lines"):
            assert caller.call(f"{path}/0").status_code == 423
            assert caller.call(f"{path}/current-max-sequence").status_code == 423
            assert caller.call("/supply-lines/sync/0").status_code == 200
            book.put({"supplyLineId": "b"})

        maximum, (first, second) = caller.numbers(f"{path}/0")
        assert 0 < first < second == maximum < old
        assert caller.call(f"{path}/current-max-sequence").json() == maximum


class TestRateLimits:
    """A key that calls an operation too often gets 429."""

    def test_too_many_calls_of_an_operation_are_429(self) -> None:
        """The limit holds for one operation and one key, and Retry-After gives the seconds until it ends."""
        moment = [0.0]
        limits = Switches(rate_limits=0.002, token_lifetime=1e9)
        with Sandbox(empty=True, accounts=("main", "second"), switches=limits, clock=lambda: moment[0]) as sandbox:
            caller = Caller(sandbox)
            codes = [caller.call(f"{ORDERS}0").status_code for _ in range(3)]
            limited = caller.call(f"{ORDERS}0")

            assert codes == [200, 200, 429]
            assert limited.headers["Retry-After"] == "148"
            assert caller.call("/supply-lines/sync/0").status_code == 200
            assert Caller(sandbox, account="second").call(f"{ORDERS}0").status_code == 200
            moment[0] = 148.0
            assert caller.call(f"{ORDERS}0").status_code == 200

    def test_retry_after_and_limits_can_be_turned_off(self) -> None:
        """Retry-After can be left out, and limits can be turned off."""
        switches = Switches(rate_limits=0.001, sends_retry_after=False)
        with Sandbox(empty=True, switches=switches) as sandbox:
            caller = Caller(sandbox)
            caller.call(f"{ORDERS}0")
            limited = caller.call(f"{ORDERS}0")
            sandbox.set_switches(rate_limits=None)

            assert limited.status_code == 429
            assert "Retry-After" not in limited.headers
            assert caller.call(f"{ORDERS}0").status_code == 200


class TestCalls:
    """The sandbox records the calls that it receives."""

    def test_calls_are_recorded(self, sandbox: Sandbox, caller: Caller) -> None:
        """A call is recorded with its path, query, account and status."""
        sandbox.calls.clear()
        sandbox.faults.add(Fault(kind=Kind.DROP_BEFORE, where="/identities"))
        caller.call(f"{ORDERS}0", limitResult=7)
        with pytest.raises(requests.ConnectionError):
            caller.call("/identities")

        page, dropped = sandbox.calls
        assert (page.method, page.query, page.account, page.status) == ("GET", "limitResult=7", "main", 200)
        assert page.path.endswith("/sales-orders/sync/0")
        assert sandbox.calls.to("/sales-orders") == [page]
        assert sandbox.calls[-1] == dropped
        assert len(sandbox.calls) == 2
        assert dropped.status is None


def test_a_stopped_sandbox_starts_again_on_its_port() -> None:
    """A sandbox that is stopped keeps its records and its port."""
    sandbox = Sandbox(empty=True)
    with sandbox:
        sandbox.book("sales_orders").put(order(1))
        address = sandbox.url
    with sandbox:
        assert sandbox.url == address
        assert len(Caller(sandbox).numbers(f"{ORDERS}0")[1]) == 1


def test_no_address_before_the_start() -> None:
    """The address of a sandbox that is not started raises an error."""
    with pytest.raises(RuntimeError, match="started"):
        _ = Sandbox(empty=True).base_url


def test_the_environment_contains_the_settings(sandbox: Sandbox) -> None:
    """The environment contains one API key or several, under the names of the settings."""
    several = sandbox.environment()
    sandbox.accounts.remove("second")
    single = sandbox.environment()

    assert single["FLORIDAY_API_KEY"] == sandbox.api_keys["main"]
    assert "FLORIDAY_API_KEY" not in several
    assert "second" in several["FLORIDAY_API_KEYS"]
    assert single["FLORIDAY_BASE_URL"].endswith("/suppliers-api-2026v1")
    assert single["FLORIDAY_AUTH_URL"].endswith("/v1/token")
