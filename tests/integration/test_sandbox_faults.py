"""The sandbox goes wrong on demand: on which requests, how, and only so often."""

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
        for place in range(10):
            running.book("sales_orders").put({"salesOrderId": f"order {place}", "isPaid": True})
        yield running


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[requests.Session]:
    """A client that keeps its connection."""
    with requests.Session() as client:
        client.headers["X-Api-Key"] = sandbox.api_keys["main"]
        renew(sandbox, client)
        yield client


def renew(sandbox: Sandbox, session: requests.Session) -> None:
    """Get a token and use it from now on."""
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }
    answer = requests.post(sandbox.token_url, data=form, timeout=10)
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def get(sandbox: Sandbox, session: requests.Session, path: str = f"{ORDERS}0", **parameters: Any) -> requests.Response:
    """GET below the API's address."""
    return session.get(f"{sandbox.base_url}{path}", params=parameters, timeout=10, allow_redirects=False)


def sent_with(session: requests.Session) -> dict[str, str]:
    """The headers that say who asks."""
    return {name: str(session.headers[name]) for name in ("X-Api-Key", "Authorization")}


def numbers(answer: requests.Response) -> list[int]:
    """The numbers of a page's records."""
    return [record["sequenceNumber"] for record in answer.json()["results"]]


class TestChoice:
    """Which requests a fault strikes."""

    def test_a_fault_strikes_once_and_wears_off(self) -> None:
        """Unless it is told otherwise."""
        faults = Faults()
        faults.add(status(503))

        assert [bool(faults.strike("/any")) for _ in range(3)] == [True, False, False]

    def test_a_fault_can_last(self) -> None:
        """For a number of requests, or for good."""
        faults = Faults()
        faults.add(status(503, times=2))
        assert [bool(faults.strike("/any")) for _ in range(3)] == [True, True, False]
        faults.add(status(503, times=None))
        assert all(faults.strike("/any") for _ in range(100))

    def test_a_fault_can_let_requests_pass(self) -> None:
        """The first ones, and then all but every n-th."""
        faults = Faults()
        faults.add(Fault(kind=Kind.HTML, after=2, every=3, times=None))

        struck = [place for place in range(1, 10) if faults.strike("/any")]
        assert struck == [3, 6, 9]

    def test_a_fault_can_be_left_to_chance(self) -> None:
        """The same seed gives the same strikes."""

        def strikes(seed: int) -> list[bool]:
            faults = Faults(seed)
            faults.add(Fault(kind=Kind.HTML, probability=0.3, times=None))
            return [bool(faults.strike("/any")) for _ in range(300)]

        assert strikes(1) == strikes(1) != strikes(2)
        assert 50 < sum(strikes(1)) < 130

    def test_chance_can_begin_anew(self) -> None:
        """Clearing with a seed forgets what was drawn."""
        faults = Faults(5)
        drawn = []
        for _ in range(2):
            faults.clear(seed=5)
            faults.add(Fault(kind=Kind.HTML, probability=0.5, times=None))
            drawn.append([bool(faults.strike("/any")) for _ in range(50)])

        assert drawn[0] == drawn[1]

    def test_a_fault_waits_for_its_path_and_its_account(self) -> None:
        """Other requests don't count for it."""
        faults = Faults()
        faults.add(Fault(kind=Kind.HTML, where="/sales-orders/sync/*", account="second"))

        assert faults.strike("/suppliers-api-2026v1/batches/sync/0", "second") is None
        assert faults.strike("/suppliers-api-2026v1/sales-orders/sync/0", "main") is None
        assert faults.strike("/suppliers-api-2026v1/sales-orders/sync/0", "second")

    def test_faults_can_be_taken_back(self) -> None:
        """One by its number, or all."""
        faults = Faults()
        first, second = faults.add(status(500), status(503))
        faults.remove(first)
        assert [waiting.id for waiting in faults.planned()] == [second]
        faults.clear()
        assert faults.strike("/any") is None


class TestAnswers:
    """What a struck request gets to see."""

    @pytest.mark.parametrize("code", [401, 403, 423, 429, 500, 501, 503, 504, 418])
    def test_another_status(self, sandbox: Sandbox, session: requests.Session, code: int) -> None:
        """It comes in Floriday's form, and the next request is answered."""
        sandbox.faults.add(status(code))

        struck = get(sandbox, session)
        assert struck.status_code == code
        assert int(struck.json()["status"]) == code
        assert "Retry-After" not in struck.headers
        assert get(sandbox, session).status_code == 200

    @pytest.mark.parametrize("code", [429, 503])
    def test_a_word_about_when_to_come_back(self, sandbox: Sandbox, session: requests.Session, code: int) -> None:
        """As seconds or as a date."""
        sandbox.faults.add(status(code, retry_after=7), status(code, retry_after="Wed, 25 Nov 2026 07:28:00 GMT"))

        assert get(sandbox, session).headers["Retry-After"] == "7"
        assert get(sandbox, session).headers["Retry-After"].endswith("GMT")

    @pytest.mark.parametrize("kind", [Kind.EXPIRED_TOKENS, Kind.REVOKED_TOKENS])
    def test_a_token_that_ends_in_the_middle_of_a_walk(
        self, sandbox: Sandbox, session: requests.Session, kind: Kind
    ) -> None:
        """The request is refused, and so is the next one with the same token; a new token is fine."""
        sandbox.faults.add(Fault(kind=kind, after=1))

        assert [get(sandbox, session).status_code for _ in range(3)] == [200, 401, 401]
        renew(sandbox, session)
        assert get(sandbox, session).status_code == 200

    @pytest.mark.parametrize("kind", [Kind.DROP_BEFORE, Kind.DROP_IN_THE_MIDDLE])
    def test_a_cut_connection(self, sandbox: Sandbox, session: requests.Session, kind: Kind) -> None:
        """The client sees no complete answer, and can connect again."""
        sandbox.faults.add(Fault(kind=kind))

        with pytest.raises(requests.RequestException):
            get(sandbox, session)
        assert get(sandbox, session).status_code == 200

    def test_a_connection_that_is_cut_after_the_answer(self, sandbox: Sandbox, session: requests.Session) -> None:
        """The answer is complete and says nothing of it; then nothing more comes, and a new connection is fine."""
        sandbox.faults.add(Fault(kind=Kind.DROP_AFTER))
        _, _, host, api = sandbox.base_url.split("/")
        with closing(HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", f"/{api}{ORDERS}0", headers=sent_with(session))
            answer = connection.getresponse()

            assert (len(json.loads(answer.read())["results"]), answer.will_close) == (10, False)
            assert connection.sock.recv(1) == b""
        assert len(numbers(get(sandbox, session))) == 10

    def test_a_slow_answer(self, sandbox: Sandbox, session: requests.Session) -> None:
        """It comes late, and whole."""
        sandbox.faults.add(Fault(kind=Kind.SLOW, seconds=0.05))
        begin = time.monotonic()

        assert get(sandbox, session).status_code == 200
        assert time.monotonic() - begin >= 0.05

    def test_answers_that_are_no_json(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A web page, and half of the JSON: both with 200 and their right length."""
        sandbox.faults.add(Fault(kind=Kind.HTML), Fault(kind=Kind.CUT_JSON))

        for _ in range(2):
            answer = get(sandbox, session)
            assert answer.status_code == 200
            with pytest.raises(requests.JSONDecodeError):
                answer.json()

    def test_answers_that_are_too_much(self, sandbox: Sandbox, session: requests.Session) -> None:
        """Many bytes, and deep nesting."""
        sandbox.faults.add(Fault(kind=Kind.HUGE, size=1_000_000), Fault(kind=Kind.DEEP, size=5000))

        assert len(get(sandbox, session).content) > 1_000_000
        assert get(sandbox, session).text.count("[") == 5000

    def test_a_redirect(self, sandbox: Sandbox, session: requests.Session) -> None:
        """It leads where the fault says."""
        sandbox.faults.add(Fault(kind=Kind.REDIRECT, location="https://elsewhere.example/"))

        answer = get(sandbox, session)
        assert (answer.status_code, answer.headers["Location"]) == (307, "https://elsewhere.example/")

    def test_the_token_endpoint_can_fail_too(self, sandbox: Sandbox) -> None:
        """By its path."""
        sandbox.faults.add(status(503, "/v1/token"))

        assert requests.post(sandbox.token_url, data={}, timeout=10).status_code == 503


class TestPages:
    """Pages that are not what they should be."""

    def page(self, sandbox: Sandbox, session: requests.Session, kind: Kind, after: int) -> tuple[int, list[int]]:
        """A page of four that a fault has spoilt."""
        sandbox.faults.add(Fault(kind=kind))
        answer = get(sandbox, session, f"{ORDERS}{after}", limitResult=4)
        return answer.json()["maximumSequenceNumber"], numbers(answer)

    def test_maxima(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A page's maximum can fall below the number asked for, or be the feed's."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]
        after = all_numbers[2]

        assert self.page(sandbox, session, Kind.LOWER_MAXIMUM, after) == (after - 1, all_numbers[3:7])
        assert self.page(sandbox, session, Kind.FEED_WIDE_MAXIMUM, after) == (all_numbers[-1], all_numbers[3:7])

    def test_the_feeds_maximum_can_fall(self, sandbox: Sandbox, session: requests.Session) -> None:
        """To half of what it is."""
        sandbox.faults.add(Fault(kind=Kind.LOWER_MAXIMUM))
        path = "/sales-orders/current-max-sequence"

        assert get(sandbox, session, path).json() == get(sandbox, session, path).json() // 2

    def test_numbers_far_too_high(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A page's maximum, the feed's, or the number of one record."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]
        first, fourth = all_numbers[0], all_numbers[3]

        assert self.page(sandbox, session, Kind.HIGHER_MAXIMUM, 0) == (1000 * fourth, all_numbers[:4])
        assert self.page(sandbox, session, Kind.SHARED_NUMBER, 0) == (fourth, [first, first, *all_numbers[2:4]])
        assert self.page(sandbox, session, Kind.GARBLED_NUMBER, 0) == (fourth, [1000 * fourth, *all_numbers[1:4]])
        sandbox.faults.add(Fault(kind=Kind.HIGHER_MAXIMUM))
        path = "/sales-orders/current-max-sequence"
        assert get(sandbox, session, path).json() == 1000 * get(sandbox, session, path).json()

    def test_an_empty_page_as_if_the_feed_ended(self, sandbox: Sandbox, session: requests.Session) -> None:
        """It says the number that was asked with."""
        number = sandbox.book("sales_orders").entries()[1].number

        assert self.page(sandbox, session, Kind.EMPTY_END, number) == (number, [])

    def test_records_that_come_again(self, sandbox: Sandbox, session: requests.Session) -> None:
        """The page before, the boundary's record, or some records before it."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]
        after = all_numbers[4]

        assert self.page(sandbox, session, Kind.REPEATED_PAGE, after) == (after, all_numbers[1:5])
        assert self.page(sandbox, session, Kind.INCLUSIVE, after) == (all_numbers[7], all_numbers[4:8])
        assert self.page(sandbox, session, Kind.OVERLAP, after) == (all_numbers[8], all_numbers[2:9])

    def test_an_empty_page_loses_nothing(self, sandbox: Sandbox, session: requests.Session) -> None:
        """Its maximum lies before the next record; at the end, nothing goes wrong."""
        book = sandbox.book("sales_orders")
        all_numbers = [entry.number for entry in book.entries()]

        maximum, shown = self.page(sandbox, session, Kind.EMPTY_PAGE, 0)
        assert shown == []
        assert 0 < maximum < all_numbers[0]
        assert self.page(sandbox, session, Kind.EMPTY_PAGE, book.maximum) == (book.maximum, [])

    def test_a_record_that_moves_while_it_is_read(self, sandbox: Sandbox, session: requests.Session) -> None:
        """It is served where it stood, and once more at the end of the same walk."""
        sandbox.faults.add(Fault(kind=Kind.MOVING_RECORD))
        first, *_, last = get(sandbox, session).json()["results"]

        (again,) = get(sandbox, session, f"{ORDERS}{last['sequenceNumber']}").json()["results"]
        assert again == {**first, "sequenceNumber": again["sequenceNumber"]}

    def test_a_number_that_becomes_visible_late(self, sandbox: Sandbox, session: requests.Session) -> None:
        """Only the feed's last page leaves a record out, once, and its maximum says nothing of it."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]

        assert self.page(sandbox, session, Kind.LATE_RECORD, 0) == (all_numbers[3], all_numbers[:4])
        sandbox.faults.clear()
        late = self.page(sandbox, session, Kind.LATE_RECORD, all_numbers[5])
        assert late == (all_numbers[9], [all_numbers[place] for place in (6, 7, 9)])
        assert numbers(get(sandbox, session, f"{ORDERS}{all_numbers[5]}")) == all_numbers[6:]

    def test_records_out_of_order(self, sandbox: Sandbox, session: requests.Session) -> None:
        """From the last to the first, with the right maximum."""
        all_numbers = [entry.number for entry in sandbox.book("sales_orders").entries()]

        assert self.page(sandbox, session, Kind.UNORDERED, 0) == (all_numbers[3], all_numbers[3::-1])

    def test_a_record_that_is_garbled_once(self, sandbox: Sandbox, session: requests.Session) -> None:
        """Its key and number are right, a value is not, and the next time all is well."""
        sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD))
        garbled, after = (get(sandbox, session).json()["results"] for _ in range(2))

        assert garbled[0] == {**after[0], "isPaid": "garbled in transit"}
        assert garbled[1:] == after[1:]

    def test_results_that_are_null(self, sandbox: Sandbox, session: requests.Session) -> None:
        """With a right maximum."""
        sandbox.faults.add(Fault(kind=Kind.NULL_RESULTS))

        assert get(sandbox, session).json() == {
            "maximumSequenceNumber": sandbox.book("sales_orders").maximum,
            "results": None,
        }

    def test_other_answers_are_not_spoilt(self, sandbox: Sandbox, session: requests.Session) -> None:
        """A fault of pages that strikes something else does nothing."""
        sandbox.faults.add(Fault(kind=Kind.UNORDERED), Fault(kind=Kind.OVERLAP))

        assert get(sandbox, session, "/identities").status_code == 200
        assert get(sandbox, session, "/sales-orders/current-max-sequence").status_code == 200


class TestControl:
    """The control routes."""

    def test_faults_over_http(self, sandbox: Sandbox, session: requests.Session) -> None:
        """One or several can be added, looked at and taken back."""
        address = f"{sandbox.url}/sandbox/faults"
        one = requests.post(address, json={"kind": "status", "status": 503, "where": "/identities"}, timeout=10)
        two = requests.post(address, json=[{"kind": "html", "times": None}, {"kind": "slow"}], timeout=10)

        assert one.json() == {"ids": [1]}
        assert two.json() == {"ids": [2, 3]}
        assert get(sandbox, session, "/identities").status_code == 503
        waiting = requests.get(address, timeout=10).json()
        assert (waiting[0]["id"], waiting[0]["struck"], waiting[0]["fault"]["status"]) == (1, 1, 503)
        assert requests.delete(address, timeout=10).status_code == 204
        assert get(sandbox, session, "/identities").status_code == 200

    @pytest.mark.parametrize("body", ['{"kind": "earthquake"}', '{"kind": "html", "probability": "often"}', "nonsense"])
    def test_what_is_no_fault_is_refused(self, sandbox: Sandbox, body: str) -> None:
        """With a word about what is wrong."""
        answer = requests.post(f"{sandbox.url}/sandbox/faults", data=body, timeout=10)

        assert answer.status_code == 400
        assert answer.json()["detail"]

    def test_time_and_retention_over_http(self, sandbox: Sandbox) -> None:
        """The world's moment moves, and what is over goes."""
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
        """All tokens can be ended."""
        requests.delete(f"{sandbox.url}/sandbox/tokens", timeout=10)

        assert get(sandbox, session).status_code == 401

    def test_calls_over_http(self, sandbox: Sandbox, session: requests.Session) -> None:
        """They can be read and forgotten, and control calls are none."""
        address = f"{sandbox.url}/sandbox/calls"
        requests.delete(address, timeout=10)
        get(sandbox, session)

        assert [call["status"] for call in requests.get(address, timeout=10).json()] == [200]

    def test_switches_over_http(self, sandbox: Sandbox) -> None:
        """They can be seen and turned; unknown ones and wrong values are refused, and turn nothing."""
        address = f"{sandbox.url}/sandbox/switches"

        assert requests.patch(address, json={"inclusive": True}, timeout=10).json()["inclusive"] is True
        assert requests.patch(address, json={"inverted": True}, timeout=10).status_code == 400
        assert requests.patch(address, json={"inclusive": "maybe"}, timeout=10).status_code == 400
        assert requests.get(address, timeout=10).json()["inclusive"] is True

    def test_control_is_for_this_machine(self, sandbox: Sandbox) -> None:
        """A request that was meant for another host is refused, and the routes can be switched off."""
        address = f"{sandbox.url}/sandbox"
        headers = {"Host": "rebound.example"}

        assert requests.get(address, headers=headers, timeout=10).status_code == 403
        assert requests.get(address, headers={"Host": "localhost"}, timeout=10).status_code == 200
        assert requests.get(f"{address}/unknown", timeout=10).status_code == 404
        sandbox.set_switches(serves_control=False)
        assert requests.get(address, timeout=10).status_code == 404
