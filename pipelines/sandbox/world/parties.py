"""Organizations: the growers with a key, their customers, carriers, auctions, and the rest of the register.

As in Floriday's register, some organizations have no name, some no GLN, and many an end date.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.calendar import day_of
from pipelines.sandbox.world.codes import Codes

UNRELATED = 640
"""Number of organizations in the register that do not trade in this world."""


def address(rng: random.Random, country: str | None = None) -> Document:
    """A postal address."""
    code, city, postal_code = rng.choice([town for town in words.TOWNS if country in (None, town[0])])
    return {
        "addressLine": f"{rng.choice(words.STREETS)} {rng.randint(1, 240)}",
        "city": city,
        "countryCode": code,
        "postalCode": postal_code,
        "stateOrProvince": "FL" if code == "US" else None,
    }


def organization(
    name: str, kind: str, rng: random.Random, codes: Codes, now: dt.datetime, *, country: str | None = None
) -> Document:
    """A complete organization."""
    created = now - dt.timedelta(days=rng.randint(500, 4000), seconds=rng.randint(0, 86_399))
    mailing_address = address(rng, country)
    return {
        "organizationId": codes.uuid(),
        "companyGln": codes.gln(),
        "name": name,
        "endDate": None,
        "rfhRelationId": codes.number(6) if rng.random() < 0.9 else None,
        "rfhCompanyAccountId": codes.number(6) if kind == "SUPPLIER" else None,
        "organizationType": kind,
        "creationDateTime": created,
        "lastModifiedDateTime": created + (now - created) * rng.random(),
        "commercialName": name.rpartition(" ")[0] if rng.random() < 0.5 else "",
        "website": _website(name) if rng.random() < 0.4 else None,
        "paymentProviders": rng.choice((["RFH"], ["RFH", "RFH_E_WALLET"], ["OTHER"], [])),
        "mailingAddress": mailing_address,
        "physicalAddress": mailing_address if rng.random() < 0.8 else address(rng, country),
        "plantionRegistrationNumber": codes.number(7) if rng.random() < 0.1 else None,
        "logoUrl": None,
        "isFsiCompliant": rng.random() < 0.6,
    }


def _website(name: str) -> str:
    letters = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())
    return f"https://{letters}.example"


def grower(seed: int, account: str, now: dt.datetime) -> Document:
    """The organization of an account of the suppliers API."""
    rng = random.Random(f"grower/{seed}/{account}")
    name = words.GROWERS[0] if account == "main" else rng.choice(words.GROWERS[1:])
    return organization(name, "SUPPLIER", rng, Codes(f"grower/{seed}/{account}"), now, country="NL")


def buyer(seed: int, account: str, now: dt.datetime) -> Document:
    """The organization of an account of the customers API."""
    rng = random.Random(f"buyer/{seed}/{account}")
    name = f"{rng.choice(words.FIRST_WORDS)} {rng.choice(words.SECOND_WORDS)} B.V."
    return organization(name, "CUSTOMER", rng, Codes(f"buyer/{seed}/{account}"), now, country="NL")


@dataclass(frozen=True)
class Course:
    """How the orders of a buyer develop.

    Args:
        since: first day on which it orders.
        until: last day on which it orders.
        changes_on: day from which it orders more or less than before.
        change: factor of its orders from that day on.
    """

    since: dt.date = dt.date.min
    until: dt.date = dt.date.max
    changes_on: dt.date = dt.date.max
    change: float = 1.0


STEADY = Course()


def _course(index: int, today: dt.date) -> Course:
    """The course of a customer: some began or stopped within the last year, or order much more or less."""

    def ago(weeks: int) -> dt.date:
        return today - dt.timedelta(weeks=weeks)

    courses = {
        5: Course(until=ago(11)),
        6: Course(since=ago(20)),
        9: Course(changes_on=ago(16), change=0.3),
        10: Course(changes_on=ago(20), change=2.5),
        12: Course(until=ago(26)),
        14: Course(since=ago(5)),
        18: Course(until=ago(6)),
    }
    return courses.get(index, STEADY)


@dataclass(frozen=True)
class Customer:
    """A buyer, with the terms of its orders.

    Args:
        organization: record of its organization.
        weight: relative number of its orders.
        currency: currency in which it pays.
        incoterm: incoterm of its orders.
        location: place of delivery, in the form of an order.
        payment_provider: provider that settles its payments.
        is_registered: whether the register contains it.
        course: how its orders develop.
    """

    organization: Document
    weight: float
    currency: str
    incoterm: str
    location: Document
    payment_provider: str
    is_registered: bool
    course: Course = STEADY

    def weight_on(self, day: dt.date) -> float:
        """Relative number of its orders on a day; 0 before its first and after its last order."""
        course = self.course
        if day < course.since or day > course.until:
            return 0.0
        return self.weight * (course.change if day >= course.changes_on else 1.0)

    @property
    def id(self) -> str:
        """The organization's id."""
        return str(self.organization["organizationId"])


class Register:
    """All organizations except the growers with a key.

    Args:
        seed: seed of all organizations.
        now: simulated time at the start.
    """

    def __init__(self, seed: int, now: dt.datetime) -> None:
        self._rng = random.Random(f"register/{seed}")
        self._codes = Codes(f"register/{seed}")
        self._now = now
        self.customers = [self._customer(index) for index in range(41)]
        self.carriers = [self._organization(name, "CARRIER", country="NL") for name in words.CARRIERS]
        self.auctions = [self._organization(name, "OTHER", country="NL") for name in words.AUCTIONS]
        self.unrelated = [self._unrelated_organization() for _ in range(UNRELATED)]
        self.service_types: list[Document] = [
            {"commercialServiceTypeId": self._codes.uuid(), "commercialServiceTypeName": name}
            for name in words.SERVICE_TYPES
        ]
        self.materials = [{"materialTypeId": self._codes.uuid(), "name": name} for name in ("karton", "kunststof")]

    def organizations(self) -> list[Document]:
        """All organizations in the register."""
        known = [customer.organization for customer in self.customers if customer.is_registered]
        return [*known, *self.carriers, *self.auctions, *self.unrelated]

    def _organization(self, name: str, kind: str, *, country: str | None = None) -> Document:
        return organization(name, kind, self._rng, self._codes, self._now, country=country)

    def _name(self) -> str:
        parts = (words.FIRST_WORDS, words.SECOND_WORDS, words.LEGAL_FORMS)
        return " ".join(self._rng.choice(part) for part in parts).strip()

    def _customer(self, index: int) -> Customer:
        buyer = self._organization(self._name(), "CUSTOMER", country="US" if index in (7, 19, 33) else None)
        return Customer(
            organization=buyer,
            weight=1 / (index + 2) ** 0.9,
            currency="USD" if buyer["physicalAddress"]["countryCode"] == "US" else "EUR",
            incoterm=self._rng.choices(("DDP", "EXW", "FCA", "DAP"), (70, 15, 10, 5))[0],
            location={"gln": self._codes.gln(), "address": buyer["physicalAddress"]},
            payment_provider=self._rng.choice(("RFH", "RFH", "RFH_E_WALLET", "RFH_PAY_LATER", "OTHER")),
            is_registered=index != 29,
            course=_course(index, day_of(self._now)),
        )

    def _unrelated_organization(self) -> Document:
        kind = self._rng.choices(("SUPPLIER", "CUSTOMER", "CARRIER", "AGENT", "OTHER"), (50, 40, 4, 2, 4))[0]
        stranger = self._organization(self._name(), kind)
        if self._rng.random() < 0.5:
            stranger |= {"name": "", "commercialName": ""}
        if self._rng.random() < 0.2:
            stranger |= {"companyGln": None, "rfhRelationId": None}
        if self._rng.random() < 0.7:
            stranger |= {"endDate": self._now - dt.timedelta(days=self._rng.randint(-900, 3000))}
        return stranger
