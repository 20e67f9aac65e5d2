"""Personal values are found in the bytes of records, however they are written, and no other byte is changed."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Boolean, Decimal, Feed, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint
from pipelines.json_scan import MemberSearch
from pipelines.normalize import PersonalData, normalize
from pipelines.normalize.personal import Treatment, keyed_hash
from pipelines.normalize.protection import Withheld, personal_names
from tests.linear_time import linear_time
from tests.records import nasty_records

KEY = SecretStr("a key of the tests, long enough")
ID = "8bb25702-90f6-4123-8ccc-08dc1b2a061a"


class Visit(Record):
    """A guest's visit."""

    guest: Text = field("name of the guest", personal=True)
    badge: Int64 = field("number of the badge")


class Party(Record):
    """A party."""

    party_id: Uuid = field("identifier")
    sequence_number: Int64 = field("number")
    host: Text = field("host", personal=True)
    latitude: Decimal = field("latitude", personal=True)
    open: Boolean = field("whether it is public")
    visits: list[Visit] = field("visits")


PARTIES = tables_of(Feed("things", "parties", Party, ("party_id",), Endpoint("/parties"), scope="things:read"))
FEEDS = [feed for api in ("suppliers", "customers") for feed in catalogue_of(api).feeds]
PERSONAL_FEEDS = [table for feed in FEEDS if personal_names(table := tables_of(feed))]


def protected(raw: bytes | str, treatment: Treatment = "hash", *, erased: str | None = None) -> bytes:
    """Return a party as it is stored."""
    erased_hashes = frozenset() if erased is None else frozenset([keyed_hash(KEY, erased)])
    protection = PersonalData(treatment, KEY, erased_hashes).protection(PARTIES)
    assert protection is not None
    return protection.record(raw.encode() if isinstance(raw, str) else raw)


def with_hashes(text: str) -> str:
    """Return JSON text in which ``<Jan>`` is replaced with the keyed hash of ``Jan``."""
    return re.sub("<(.*?)>", lambda found: f'"{keyed_hash(KEY, found[1])}"', text, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("received", "stored"),
    [
        ('{"host":"Jan","open":true}', '{"host":<Jan>,"open":true}'),
        (' { "open" : true , "host" : "Jan" } ', ' { "open" : true , "host" : <Jan> } '),
        ('{"host":"J\\u0061n \\"de\\" é\\n"}', '{"host":<Jan "de" é\n>}'),
        ('{"h\\u006fst":"Jan"}', '{"h\\u006fst":<Jan>}'),
        ('{"host":"\\ud800"}', '{"host":<\ud800>}'),
        ('{"host":12.50}', '{"host":<12.50>}'),
        ('{"host":true}', '{"host":<true>}'),
        ('{"host":{"name":"Jan"}}', '{"host":<{"name":"Jan"}>}'),
        ('{"host":["Jan"],"open":NaN}', '{"host":<["Jan"]>,"open":NaN}'),
        ('{"host":null}', '{"host":null}'),
        ('{"host":" "}', '{"host":" "}'),
        ('{"host":"Jan","host":"Piet"}', '{"host":<Jan>,"host":<Piet>}'),
        ('{"latitude":52.1,"open":true}', '{"open":true}'),
        ('{"open":true,"latitude":52.1}', '{"open":true}'),
        ('{"visits":[{"guest":"An","badge":1},null]}', '{"visits":[{"guest":<An>,"badge":1},null]}'),
        ('{"later":{"on":[{"guest":"An"}]}}', '{"later":{"on":[{"guest":<An>}]}}'),
        ('{"open":"\\"host\\":\\"Jan\\""}', '{"open":"\\"host\\":\\"Jan\\""}'),
        ('{"open":"host","x\\"host":"Jan"}', '{"open":"host","x\\"host":"Jan"}'),
        ('{"ghost":"Jan","hosts":1}', '{"ghost":"Jan","hosts":1}'),
        ('{"visits":"An"}', '{"visits":"withheld"}'),
        ('{"visits":["An",3,[4]]}', '{"visits":["withheld","withheld",["withheld"]]}'),
    ],
)
def test_personal_members_are_hashed(received: str, stored: str) -> None:
    """Members with a personal name are hashed at any place and in any notation; every other byte stays."""
    assert protected(received).decode() == with_hashes(stored)


@pytest.mark.parametrize(
    ("received", "stored"),
    [
        ('{"host":"Jan","open":true,"latitude":null}', '{"open":true}'),
        ('{"open":true,  "host":"Jan" , "latitude":5}', '{"open":true}'),
        ('{"open":true,\n            "host":"Jan"\n}', '{"open":true\n}'),
        ('{"host":null}', "{}"),
        ('{"host":"Jan","latitude":1,"host":{"a":[1]}}', "{}"),
        ('{"visits":[{"guest":"An"},{"badge":2,"guest":null}]}', '{"visits":[{},{"badge":2}]}'),
        ('{"open":true}', '{"open":true}'),
    ],
)
def test_personal_members_are_dropped(received: str, stored: str) -> None:
    """Personal members are dropped, also null ones, so that a value that appears or disappears changes nothing."""
    assert protected(received, "drop").decode() == stored


def test_erased_values_are_removed() -> None:
    """Erased values are removed from any field, whether personal data are kept or hashed, and nothing else is."""
    raw = b'{"host":"Jan","latitude":5,"visits":[{"guest":"Jan"},{"guest":"Jan de Vries"}]}'

    assert protected(raw, "keep", erased="Jan") == b'{"latitude":5,"visits":[{},{"guest":"Jan de Vries"}]}'
    assert protected(raw, "keep", erased="Piet") == raw
    assert protected(raw, "hash", erased="Jan").decode() == with_hashes('{"visits":[{},{"guest":<Jan de Vries>}]}')


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"host":"Jan"', "the record is not JSON: Expecting ',' delimiter: line 1 column 14 (char 13)"),
        (b'{"sequenceNumber":7,"host":"Jan" "Jan"}', "the record is not JSON"),
        (b'"Jan"', "expected an object"),
        (b"Jan", "expected an object"),
        (b'["Jan"]', "expected an object"),
        (b'{"open":' + b"[" * 5000 + b'"Jan"' + b"]" * 5000 + b"}", "the record is nested too deeply"),
    ],
)
def test_unreadable_records_are_withheld(raw: bytes, problem: str) -> None:
    """An unreadable record is rejected with its number and the reason, and no byte of it is kept."""
    cases: tuple[tuple[Treatment, str | None], ...] = (("hash", None), ("drop", None), ("keep", "Piet"))
    for treatment, erased in cases:
        record = protected(raw, treatment, erased=erased)
        (rejected,) = normalize(PARTIES, [record]).rejected

        assert isinstance(record, Withheld)
        assert (record, rejected.payload, rejected.key) == (b"", "", None)
        assert rejected.reason.startswith(problem)
        assert rejected.reason.endswith("; the payload is not kept, for personal data cannot be found in it")
        assert "Jan" not in rejected.reason
        assert rejected.sequence_number == (7 if b"sequenceNumber" in raw else None)


def test_invalid_utf8_is_withheld_or_dropped() -> None:
    """A record with a personal value that is not UTF-8 is withheld in mode hash; mode drop removes the value."""
    assert isinstance(protected(b'{"host":"\xffJan"}'), Withheld)
    assert protected(b'{"host":"\xffJan"}', "drop") == b"{}"


def test_rejected_records_contain_no_personal_data() -> None:
    """Neither payload nor reason of a rejected record contains personal data."""
    members = ('"visits":"Jan"', '"visits":["Jan"]', '"latitude":"Jan","open":"no"', '"host":["Jan"],"open":"no"')
    raws = [f'{{"partyId":"{ID}","sequenceNumber":5,{stray}}}' for stray in members]

    rejected = normalize(PARTIES, [protected(raw) for raw in raws]).rejected

    assert [each.sequence_number for each in rejected] == [5] * len(members)
    assert "Jan" not in str(rejected)


def test_kept_data_need_no_protection() -> None:
    """There is no protection if personal data are kept, or if the feed has none."""
    assert PersonalData().protection(PARTIES) is None
    batches = tables_of(catalogue_of("suppliers").feed("batches"))
    assert PersonalData("drop").protection(batches) is None


def test_a_hash_depends_on_the_key() -> None:
    """The hash of a text differs with the key, and the key is not shown."""
    assert keyed_hash(KEY, "Jan") != keyed_hash(SecretStr("another key, as long"), "Jan")
    assert len(keyed_hash(KEY, "Jan")) == 64
    assert KEY.get_secret_value() not in repr(PersonalData("hash", KEY))


def test_fields_with_a_personal_name_are_personal() -> None:
    """All fields with the name of a personal field are personal, and none is a list, an enumeration or a key."""
    for table in PERSONAL_FEEDS:
        names = personal_names(table)
        for part in table.walk():
            for column in part.own_columns:
                namesake = (column.path or ())[-1] in names
                assert column.personal == namesake, f"{part.qualified_name}.{column.name}"
                assert not (column.personal and (column.repeated or column.values or column.name in table.key))


@given(st.sampled_from(PERSONAL_FEEDS), st.integers(0, 10**6))
def test_both_searches_find_the_same_members(table: Table, seed: int) -> None:
    """The fast search and the complete scan find the same members in any record that is valid JSON."""
    feed = next(feed for feed in FEEDS if tables_of(feed) == table)
    protection = PersonalData("hash", KEY).protection(table)
    assert protection is not None
    members: MemberSearch = protection._search  # noqa: SLF001
    for raw in nasty_records(feed, seed, 10):
        try:
            found = members.find(raw)
        except ValueError:
            continue
        assert found == members._walk(raw)  # noqa: SLF001


@given(st.sampled_from(PERSONAL_FEEDS), st.integers(0, 10**6), st.sampled_from(["hash", "drop"]))
def test_other_members_are_unchanged(table: Table, seed: int, treatment: Treatment) -> None:
    """Without its personal members, a record is the same before and after protection for a JSON parser."""
    feed = next(feed for feed in FEEDS if tables_of(feed) == table)
    protection = PersonalData(treatment, KEY).protection(table)
    assert protection is not None
    names = personal_names(table)
    for raw in nasty_records(feed, seed, 10):
        after = protection.record(raw)
        if isinstance(after, Withheld) or b'"withheld"' in after:
            continue
        assert _without(json.loads(after.decode("latin-1")), names) == _without(
            json.loads(raw.decode("latin-1")), names
        )
        assert treatment != "drop" or not any(f'"{name}":'.encode() in after for name in names)


def _without(value: Any, names: dict[str, Any]) -> str:
    """Return JSON text of a value without the members of these names; texts compare NaN as equal."""

    def cut(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: cut(inner) for name, inner in part.items() if name not in names}
        return [cut(inner) for inner in part] if isinstance(part, list) else part

    return json.dumps(cut(value))


def test_a_long_record_is_protected_quickly() -> None:
    """A record with thousands of escapes and brackets is protected in linear time."""
    random = Random(1)
    visits = ",".join(f'{{"guest":"\\u00e9{random.random()}","badge":{n}}}' for n in range(20_000))

    after = protected(f'{{"visits":[{visits}]}}', "drop")

    assert json.loads(after)["visits"] == [{"badge": n} for n in range(20_000)]


@pytest.mark.parametrize("treatment", ["hash", "drop"])
@pytest.mark.parametrize(
    "text", ["Ж" * 350_000, '"' * 1_000_000, "\\" * 1_000_000], ids=["escaped", "quotes", "backslashes"]
)
def test_a_long_escaped_text_is_protected_in_linear_time(treatment: Treatment, text: str) -> None:
    """A record with megabytes of escaped letters, as .NET writes them, is protected in linear time."""
    record = {"host": "Ж", "later": {"text": text}, "open": True}

    with linear_time():
        after = protected(json.dumps(record), treatment)

    host = {"host": keyed_hash(KEY, "Ж")} if treatment == "hash" else {}
    assert json.loads(after) == {**host, "later": {"text": text}, "open": True}


def test_the_last_members_of_many_objects_are_dropped_in_linear_time() -> None:
    """If the last member of thousands of objects is dropped, the long text before them is not copied for each."""
    visits = ",".join(['{"badge":1 , "guest":"An"}'] * 30_000)
    text = "x" * 20_000_000

    with linear_time():
        after = protected(f'{{"later":"{text}","visits":[{visits}]}}', "drop")

    assert after == b'{"later":"%s","visits":[%s]}' % (text.encode(), b",".join([b'{"badge":1 }'] * 30_000))
