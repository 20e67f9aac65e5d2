"""The sandbox's faults hit the requests that they describe, in the way and as often as they describe."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from pipelines.sandbox import Fault, Faults, Kind, Sandbox, status

ORDERS = "/sales-orders/sync/"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with ten orders."""
    with Sandbox(empty=True, accounts=("main", "second")) as running:
        for number in range(10):
            running.book("sales_orders").put({"salesOrderId": f"order {number}", "isPaid": True})
        yield running


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[requests.Session]:
    """A client with an access token, which keeps its connection open."""
    with requests.Session() as client:
        client.headers["X-Api-Key"] = sandbox.api_keys["main"]
        renew(sandbox, client)
        yield client


def renew(sandbox: Sandbox, session: requests.Session) -> None:
    """Request a new access token and use it from now on."""
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }
    answer = requests.post(sandbox.token_url, data=form, timeout=10)
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def get(sandbox: Sandbox, session: requests.Session, path: str = f"{ORDERS}0", **parameters: Any) -> requests.Response:
    """GET a path of the API."""
    return session.get(f"{sandbox.base_url}{path}", params=parameters, timeout=10, allow_redirects=False)


def authentication(session: requests.Session) -> dict[str, str]:
    """The headers that authenticate a request."""
    return {name: str(session.headers[name]) for name in ("X-Api-Key", "Authorization")}


def numbers(answer: requests.Response) -> list[int]:
    """The sequence numbers of a page's records."""
    return [record["sequenceNumber"] for record in answer.json()["results"]]


class TestChoice:
    """A fault selects the requests that it affects."""

    def test_a_fault_affects_one_request(self) -> None:
        """By default, a fault affects one request."""
        faults = Faults()
        faults.add(status(503))

        assert [bool(faults.strike("/any")) for _ in range(3)] == [True, False, False]

    def test_a_fault_can_last(self) -> None:
        """A fault can affect a number of requests, or all of them."""
        faults = Faults()
        faults.add(status(503, times=2))
        assert [bool(faults.strike("/any")) for _ in range(3)] == [True, True, False]
        faults.add(status(503, times=None))
        assert all(faults.strike("/any") for _ in range(100))

    def test_a_fault_can_skip_requests(self) -> None:
        """A fault can skip the first requests, and then affect every n-th."""
        faults = Faults()
        faults.add(Fault(kind=Kind.HTML, after=2, every=3, times=None))

        affected = [place for place in range(1, 10) if faults.strike("/any")]
        assert affected == [3, 6, 9]

    def test_a_fault_can_be_random(self) -> None:
        """A fault with a probability affects the same requests for the same seed."""

        def strikes(seed: int) -> list[bool]:
            faults = Faults(seed)
            faults.add(Fault(kind=Kind.HTML, probability=0.3, times=None))
            return [bool(faults.strike("/any")) for _ in range(300)]

        assert strikes(1) == strikes(1) != strikes(2)
        assert 50 < sum(strikes(1)) < 130

    def test_random_numbers_can_be_restarted(self) -> None:
        """Clearing the faults with a seed restarts the random numbers."""
        faults = Faults(5)
        drawn = []
        for _ in range(2):
            faults.clear(seed=5)
            faults.add(Fault(kind=Kind.HTML, probability=0.5, times=None))
            drawn.append([bool(faults.strike("/any")) for _ in range(50)])

        assert drawn[0] == drawn[1]

    def test_a_fault_can_be_limited_to_a_path_and_an_account(self) -> None:
        """A fault for a path and an account ignores other requests."""
        faults = Faults()
        faults.add(Fault(kind=Kind.HTML, where="/sales-orders/sync/*", account="second"))

        assert faults.strike("/suppliers-api-2026v1/batches/sync/0", "second") is None
        assert faults.strike("/suppliers-api-2026v1/sales-orders/sync/0", "main") is None
        assert faults.strike("/suppliers-api-2026v1/sales-orders/sync/0", "second")

    def test_faults_can_be_removed(self) -> None:
        """Faults can be removed one by one or all at once."""
        faults = Faults()
        first, second = faults.add(status(500), status(503))
        faults.remove(first)
        assert [fault.id for fault in faults.planned()] == [second]
        faults.clear()
        assert faults.strike("/any") is None


class TestResponses:
    """A fault changes the response to a request."""

    @pytest.mark.parametrize("code", [401, 403, 423, 429, 500, 501, 503, 504, 418])
    def test_an_error_status(self, sandbox: Sandbox, session: requests.Session, code: int) -> None:
        """A fault with a status code answers one request in Floriday's error format."""
        sandbox.faults.add(status(code))

        response = get(sandbox, session)
        assert response.status_code == code
        assert int(response.json()["status"]) == code
        assert "Retry-After" not in response.headers
        assert get(sandbox, session).status_code == 200

    @pytest.mark.parametrize("code", [429, 503])
    def test_retry_after(self, sandbox: Sandbox, session: requests.Session, code: int) -> None:
        """A fault can send Retry-After as seconds or as a date."""
        sandbox.faults.add(status(code, retry_after=7), status(code, retry_after="Wed, 25 Nov 2026 07:28:00 GMT"))

        assert get(sandbox, session).headers["Retry-After"] == "7"
        assert get(sandbox, session).headers["Retry-After"].endswith("GMT")

    @pytest.mark.parametrize("kind", [Kind.EXPIRED_TOKENS, Kind.REVOKED_TOKENS])
    def test_a_token_ends_during_a_read(self, sandbox: Sandbox, session: requests.Session, kind: Kind) -> None:
        """A token that was ended is refused until the client requests a new one."""
        sandbox.faults.add(Fault(kind=kind, after=1))

        assert [get(sandbox, session).status_code for _ in range(3)] == [200, 401, 401]
        renew(sandbox, session)
        assert get(sandbox, session).status_code == 200

    @pytest.mark.parametrize("kind", [Kind.DROP_BEFORE, Kind.DROP_IN_THE_MIDDLE])
    def test_a_cut_connection(self, sandbox: Sandbox, session: requests.Session, kind: Kind) -> None:
        """A connection that is cut during a request raises an error, and the client can connect again."""
        sandbox.faults.add(Fault(kind=kind))

        with pytest.raises(requests.RequestException):
            get(sandbox, session)
        assert get(sandbox, session).status_code == 200

    def test_a_connection_closed_after_the_response(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A connection can be closed after a complete response without an announcement, and the next one works."""
        sandbox.faults.add(Fault(kind=Kind.DROP_AFTER))
        _, _, host, api = sandbox.base_url.split("/")
        with closing(HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", f"/{api}{ORDERS}0", headers=authentication(session))
            answer = connection.getresponse()

            assert (len(json.loads(answer.read())["results"]), answer.will_close) == (10, False)
            assert connection.sock.recv(1) == b""
        assert len(numbers(get(sandbox, session))) == 10

    def test_a_slow_answer(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A slow response is delayed and complete."""
        sandbox.faults.add(Fault(kind=Kind.SLOW, seconds=0.05))
        begin = time.monotonic()

        assert get(sandbox, session).status_code == 200
        assert time.monotonic() - begin >= 0.05

    def test_responses_that_are_not_json(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A fault can answer with HTML or with truncated JSON, both with status 200."""
        sandbox.faults.add(Fault(kind=Kind.HTML), Fault(kind=Kind.CUT_JSON))

        for _ in range(2):
            answer = get(sandbox, session)
            assert answer.status_code == 200
            with pytest.raises(requests.JSONDecodeError):
                answer.json()

    def test_excessive_responses(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A fault can answer with very many bytes or with deeply nested JSON."""
        sandbox.faults.add(Fault(kind=Kind.HUGE, size=1_000_000), Fault(kind=Kind.DEEP, size=5000))

        assert len(get(sandbox, session).content) > 1_000_000
        assert get(sandbox, session).text.count("[") == 5000

    def test_a_redirect(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A fault can redirect to a given location."""
        sandbox.faults.add(Fault(kind=Kind.REDIRECT, location="https://other.example/"))

        answer = get(sandbox, session)
        assert (answer.status_code, answer.headers["Location"]) == (307, "https://other.example/")

    def test_the_token_endpoint_can_fail(self, sandbox: Sandbox) -> None:
        """A fault can affect the token endpoint by its path."""
        sandbox.faults.add(status(503, "/v1/token"))

        assert requests.post(sandbox.token_url, data={}, timeout=10).status_code == 503


class TestPages:
    """A fault can answer with a page that breaks Floriday's rules."""

    def page(self, sandbox: Sandbox, session: requests.Session, kind: Kind, after: int) -> tuple[int, list[int]]:
        """Maximum and sequence numbers of a page of four records that a fault changed."""
        sandbox.faults.add(Fault(kind=kind))
        answer = get(sandbox, session, f"{ORDERS}{after}", limitResult=4)
        return answer.json()["maximumSequenceNumber"], numbers(answer)

    def test_a_wrong_maximum_of_a_page(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A page's maximum can be below the requested number, or be the maximum of the feed."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]
        after = all_numbers[2]

        assert self.page(sandbox, session, Kind.LOWER_MAXIMUM, after) == (after - 1, all_numbers[3:7])
        assert self.page(sandbox, session, Kind.FEED_WIDE_MAXIMUM, after) == (all_numbers[-1], all_numbers[3:7])

    def test_the_feeds_maximum_can_fall(self, sandbox: Sandbox, session: requests.Session) -> None:
        """The feed's maximum can be halved."""
        sandbox.faults.add(Fault(kind=Kind.LOWER_MAXIMUM))
        path = "/sales-orders/current-max-sequence"

        assert get(sandbox, session, path).json() == get(sandbox, session, path).json() // 2

    def test_numbers_that_are_far_too_high(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A maximum or a record's sequence number can be far too high."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]
        first, fourth = all_numbers[0], all_numbers[3]

        assert self.page(sandbox, session, Kind.HIGHER_MAXIMUM, 0) == (1000 * fourth, all_numbers[:4])
        assert self.page(sandbox, session, Kind.SHARED_NUMBER, 0) == (fourth, [first, first, *all_numbers[2:4]])
        assert self.page(sandbox, session, Kind.GARBLED_NUMBER, 0) == (fourth, [1000 * fourth, *all_numbers[1:4]])
        sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM))
        path = "/sales-orders/current-max-sequence"
        assert get(sandbox, session, path).json() == 1000 * get(sandbox, session, path).json()

    def test_an_empty_page_that_looks_like_the_end(self, sandbox: Sandbox, session: requests.Session) -> None:
        """An empty page can repeat the requested number as its maximum."""
        number = sandbox.book("sales_orders").entries()[1].number

        assert self.page(sandbox, session, Kind.EMPTY_END, number) == (number, [])

    def test_repeated_records(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A page can repeat the previous page, the record at the boundary, or some records before it."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]
        after = all_numbers[4]

        assert self.page(sandbox, session, Kind.REPEATED_PAGE, after) == (after, all_numbers[1:5])
        assert self.page(sandbox, session, Kind.INCLUSIVE, after) == (all_numbers[7], all_numbers[4:8])
        assert self.page(sandbox, session, Kind.OVERLAP, after) == (all_numbers[8], all_numbers[2:9])

    def test_an_empty_page(self, sandbox: Sandbox, session: requests.Session) -> None:
        """An empty page has a maximum below the next record, or the feed's maximum at its end."""
        book = sandbox.book("sales_orders")
        all_numbers = [entry.number for entry in book.entries()]

        maximum, shown = self.page(sandbox, session, Kind.EMPTY_PAGE, 0)
        assert shown == []
        assert 0 < maximum < all_numbers[0]
        assert self.page(sandbox, session, Kind.EMPTY_PAGE, book.maximum) == (book.maximum, [])

    def test_a_record_that_moves_while_it_is_read(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A record that changes during a read is served at its old place, and again at the end."""
        sandbox.faults.add(Fault(kind=Kind.MOVING_RECORD))
        first, *_, last = get(sandbox, session).json()["results"]

        (again,) = get(sandbox, session, f"{ORDERS}{last['sequenceNumber']}").json()["results"]
        assert again == {**first, "sequenceNumber": again["sequenceNumber"]}

    def test_a_number_that_becomes_visible_late(self, sandbox: Sandbox, session: requests.Session) -> None:
        """The last page of a feed can leave out one record once, with the full maximum."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]

        assert self.page(sandbox, session, Kind.LATE_RECORD, 0) == (all_numbers[3], all_numbers[:4])
        sandbox.faults.clear()
        late = self.page(sandbox, session, Kind.LATE_RECORD, all_numbers[5])
        assert late == (all_numbers[9], [all_numbers[place] for place in (6, 7, 9)])
        assert numbers(get(sandbox, session, f"{ORDERS}{all_numbers[5]}")) == all_numbers[6:]

    def test_records_out_of_order(self, sandbox: Sandbox, session: requests.Session) -> None:
        """Records can be served in reverse order."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]

        assert self.page(sandbox, session, Kind.UNORDERED, 0) == (all_numbers[3], all_numbers[3::-1])

    def test_a_record_with_a_wrong_value(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A record can be served once with a wrong value."""
        sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD))
        garbled, after = (get(sandbox, session).json()["results"] for _ in range(2))

        assert garbled[0] == {**after[0], "isPaid": "garbled in transit"}
        assert garbled[1:] == after[1:]

    def test_results_that_are_null(self, sandbox: Sandbox, session: requests.Session) -> None:
        """The results of a page can be null."""
        sandbox.faults.add(Fault(kind=Kind.NULL_RESULTS))

        assert get(sandbox, session).json() == {
            "maximumSequenceNumber": sandbox.book("sales_orders").maximum,
            "results": None,
        }

    def test_other_responses_are_unchanged(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A fault of pages does not change other responses."""
        sandbox.faults.add(Fault(kind=Kind.UNORDERED), Fault(kind=Kind.OVERLAP))

        assert get(sandbox, session, "/identities").status_code == 200
        assert get(sandbox, session, "/sales-orders/current-max-sequence").status_code == 200


class TestControl:
    """The control routes change the sandbox over HTTP."""

    def test_faults_over_http(self, sandbox: Sandbox, session: requests.Session) -> None:
        """Faults can be added, listed and removed over HTTP."""
        address = f"{sandbox.url}/sandbox/faults"
        added = requests.post(address, json={"kind": "status", "status": 503, "where": "/identities"}, timeout=10)
        more = requests.post(address, json=[{"kind": "html", "times": None}, {"kind": "slow"}], timeout=10)

        assert added.json() == {"ids": [1]}
        assert more.json() == {"ids": [2, 3]}
        assert get(sandbox, session, "/identities").status_code == 503
        planned = requests.get(address, timeout=10).json()
        assert (planned[0]["id"], planned[0]["struck"], planned[0]["fault"]["status"]) == (1, 1, 503)
        assert requests.delete(address, timeout=10).status_code == 204
        assert get(sandbox, session, "/identities").status_code == 200

    @pytest.mark.parametrize("body", ['{"kind": "earthquake"}', '{"kind": "html", "probability": "often"}', "nonsense"])
    def test_invalid_faults_are_refused(self, sandbox: Sandbox, body: str) -> None:
        """An invalid fault is refused with a reason."""
        answer = requests.post(f"{sandbox.url}/sandbox/faults", data=body, timeout=10)

        assert answer.status_code == 400
        assert answer.json()["detail"]

    def test_time_and_retention_over_http(self, sandbox: Sandbox) -> None:
        """Over HTTP, the sandbox's time can be advanced and expired records removed."""
        sandbox.book("batches").put({"batchId": "b", "creationDateTime": sandbox.now})
        before = requests.get(f"{sandbox.url}/sandbox", timeout=10).json()
        requests.post(f"{sandbox.url}/sandbox/advance", json={"hours": 24 * 31}, timeout=10)
        expired = requests.post(f"{sandbox.url}/sandbox/retention", timeout=10).json()
        after = requests.get(f"{sandbox.url}/sandbox", timeout=10).json()

        assert before["records"]["main"]["supply.batches"] == 1
        assert expired == {"expired": 1}
        assert after["records"]["main"]["supply.batches"] == 0
        assert after["now"] > before["now"]
        assert after["environment"] == sandbox.environment()

    def test_tokens_over_http(self, sandbox: Sandbox, session: requests.Session) -> None:
        """All tokens can be ended over HTTP."""
        requests.delete(f"{sandbox.url}/sandbox/tokens", timeout=10)

        assert get(sandbox, session).status_code == 401

    def test_calls_over_http(self, sandbox: Sandbox, session: requests.Session) -> None:
        """The log of calls can be read and cleared over HTTP, and contains no control calls."""
        address = f"{sandbox.url}/sandbox/calls"
        requests.delete(address, timeout=10)
        get(sandbox, session)

        assert [call["status"] for call in requests.get(address, timeout=10).json()] == [200]

    def test_switches_over_http(self, sandbox: Sandbox) -> None:
        """Switches can be read and set over HTTP; unknown names and wrong values are refused and change nothing."""
        address = f"{sandbox.url}/sandbox/switches"

        assert requests.patch(address, json={"inclusive": True}, timeout=10).json()["inclusive"] is True
        assert requests.patch(address, json={"inverted": True}, timeout=10).status_code == 400
        assert requests.patch(address, json={"inclusive": "maybe"}, timeout=10).status_code == 400
        assert requests.get(address, timeout=10).json()["inclusive"] is True

    def test_control_is_limited_to_this_machine(self, sandbox: Sandbox) -> None:
        """Control requests for another host are refused, and the control routes can be switched off."""
        address = f"{sandbox.url}/sandbox"
        headers = {"Host": "rebound.example"}

        assert requests.get(address, headers=headers, timeout=10).status_code == 403
        assert requests.get(address, headers={"Host": "localhost"}, timeout=10).status_code == 200
        assert requests.get(f"{address}/unknown", timeout=10).status_code == 404
        sandbox.set_switches(serves_control=False)
        assert requests.get(address, timeout=10).status_code == 404
