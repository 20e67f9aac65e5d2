"""Organizations: the growers with a key, their customers, carriers, auctions, and the rest of the register.

The register is what Floriday passes on from the sector: some have no name, some no GLN, many an end date.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.codes import Codes

STRANGERS = 640
"""Organizations of the register with which nobody in the world trades."""


def address(chance: random.Random, country: str | None = None) -> Document:
    """A postal address."""
    code, city, postal_code = chance.choice([town for town in words.TOWNS if country in (None, town[0])])
    return {
        "addressLine": f"{chance.choice(words.STREETS)} {chance.randint(1, 240)}",
        "city": city,
        "countryCode": code,
        "postalCode": postal_code,
        "stateOrProvince": "FL" if code == "US" else None,
    }


def organization(
    name: str, kind: str, chance: random.Random, codes: Codes, now: dt.datetime, *, country: str | None = None
) -> Document:
    """A complete organization."""
    created = now - dt.timedelta(days=chance.randint(500, 4000), seconds=chance.randint(0, 86_399))
    place = address(chance, country)
    return {
        "organizationId": codes.uuid(),
        "companyGln": codes.gln(),
        "name": name,
        "endDate": None,
        "rfhRelationId": codes.number(6) if chance.random() < 0.9 else None,
        "rfhCompanyAccountId": codes.number(6) if kind == "SUPPLIER" else None,
        "organizationType": kind,
        "creationDateTime": created,
        "lastModifiedDateTime": created + (now - created) * chance.random(),
        "commercialName": name.rpartition(" ")[0] if chance.random() < 0.5 else "",
        "website": _website(name) if chance.random() < 0.4 else None,
        "paymentProviders": chance.choice((["RFH"], ["RFH", "RFH_E_WALLET"], ["OTHER"], [])),
        "mailingAddress": place,
        "physicalAddress": place if chance.random() < 0.8 else address(chance, country),
        "plantionRegistrationNumber": codes.number(7) if chance.random() < 0.1 else None,
        "logoUrl": None,
        "isFsiCompliant": chance.random() < 0.6,
    }


def _website(name: str) -> str:
    letters = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())
    return f"https://{letters}.example"


def grower(seed: int, account: str, now: dt.datetime) -> Document:
    """The grower that an account's key belongs to."""
    chance = random.Random(f"grower/{seed}/{account}")
    name = words.GROWERS[0] if account == "main" else chance.choice(words.GROWERS[1:])
    return organization(name, "SUPPLIER", chance, Codes(f"grower/{seed}/{account}"), now, country="NL")


def buyer(seed: int, account: str, now: dt.datetime) -> Document:
    """The buyer that an account's key belongs to."""
    chance = random.Random(f"buyer/{seed}/{account}")
    name = f"{chance.choice(words.FIRST_WORDS)} {chance.choice(words.SECOND_WORDS)} B.V."
    return organization(name, "CUSTOMER", chance, Codes(f"buyer/{seed}/{account}"), now, country="NL")


@dataclass(frozen=True)
class Customer:
    """A buyer and its habits.

    Args:
        organization: its record.
        weight: how much it buys, compared with the others.
        currency: what it pays with.
        incoterm: how it has goods delivered.
        location: where, as an order tells it.
        payment_provider: who settles for it.
        is_registered: whether the register knows it (yet).
    """

    organization: Document
    weight: float
    currency: str
    incoterm: str
    location: Document
    payment_provider: str
    is_registered: bool

    @property
    def id(self) -> str:
        """The organization's id."""
        return str(self.organization["organizationId"])


class Register:
    """All organizations but the growers with a key.

    Args:
        seed: what they follow from.
        now: the moment at which the register is read.
    """

    def __init__(self, seed: int, now: dt.datetime) -> None:
        self._chance = random.Random(f"register/{seed}")
        self._codes = Codes(f"register/{seed}")
        self._now = now
        self.customers = [self._customer(place) for place in range(41)]
        self.carriers = [self._organization(name, "CARRIER", country="NL") for name in words.CARRIERS]
        self.auctions = [self._organization(name, "OTHER", country="NL") for name in words.AUCTIONS]
        self.strangers = [self._stranger() for _ in range(STRANGERS)]
        self.service_types: list[Document] = [
            {"commercialServiceTypeId": self._codes.uuid(), "commercialServiceTypeName": name}
            for name in words.SERVICE_TYPES
        ]
        self.materials = [{"materialTypeId": self._codes.uuid(), "name": name} for name in ("karton", "kunststof")]

    def organizations(self) -> list[Document]:
        """Everyone in the register."""
        known = [customer.organization for customer in self.customers if customer.is_registered]
        return [*known, *self.carriers, *self.auctions, *self.strangers]

    def _organization(self, name: str, kind: str, *, country: str | None = None) -> Document:
        return organization(name, kind, self._chance, self._codes, self._now, country=country)

    def _name(self) -> str:
        parts = (words.FIRST_WORDS, words.SECOND_WORDS, words.LEGAL_FORMS)
        return " ".join(self._chance.choice(part) for part in parts).strip()

    def _customer(self, place: int) -> Customer:
        buyer = self._organization(self._name(), "CUSTOMER", country="US" if place in (7, 19, 33) else None)
        return Customer(
            organization=buyer,
            weight=1 / (place + 2) ** 0.9,
            currency="USD" if buyer["physicalAddress"]["countryCode"] == "US" else "EUR",
            incoterm=self._chance.choices(("DDP", "EXW", "FCA", "DAP"), (70, 15, 10, 5))[0],
            location={"gln": self._codes.gln(), "address": buyer["physicalAddress"]},
            payment_provider=self._chance.choice(("RFH", "RFH", "RFH_E_WALLET", "RFH_PAY_LATER", "OTHER")),
            is_registered=place != 29,
        )

    def _stranger(self) -> Document:
        kind = self._chance.choices(("SUPPLIER", "CUSTOMER", "CARRIER", "AGENT", "OTHER"), (50, 40, 4, 2, 4))[0]
        stranger = self._organization(self._name(), kind)
        if self._chance.random() < 0.5:
            stranger |= {"name": "", "commercialName": ""}
        if self._chance.random() < 0.2:
            stranger |= {"companyGln": None, "rfhRelationId": None}
        if self._chance.random() < 0.7:
            stranger |= {"endDate": self._now - dt.timedelta(days=self._chance.randint(-900, 3000))}
        return stranger
