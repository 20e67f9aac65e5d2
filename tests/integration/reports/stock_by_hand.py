"""Batches made by hand with what happened to them: every kind of mutation, sold out ones, deleted and unknown ones."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, get_args

from pipelines.catalogue.suppliers.supply import BatchMutationType
from tests.integration.reporting import EDGES, Json, Reporting, id_of, made
from tests.integration.reports import by_hand
from tests.integration.reports.by_hand import GROWERS, ROSE, TULIP, UNKNOWN

BATCHES = "supply.batches"
MUTATIONS = "supply.batch_mutations"
TYPES = ("CLAIM", "CLAIM", "CLAIM", "UNCLAIM", *get_args(BatchMutationType), None)


def store_all(told: Reporting) -> Reporting:
    """Two accounts with batches and their mutations, some of batches that are not known."""
    for account, seed, count in (("north", 11, 60), ("south", 12, 20)):
        random = Random(f"stock {seed}")
        batches = [_batch(1000 * seed + number, random) for number in range(count)]
        told.store(BATCHES, batches, account)
        told.store(MUTATIONS, _mutations([*batches, {"batchId": id_of("unknown batch")}], seed, random), account)
    by_hand.store_names(told)
    return told


def _batch(number: int, random: Random) -> Json:
    pieces = random.choice((400, 120, 1, 0))
    told: dict[str, Any] = {
        "tradeItemId": random.choice((ROSE, TULIP, UNKNOWN, None)),
        "supplierOrganizationId": random.choice(GROWERS),
        "batchDate": random.choice((*EDGES, None)),
        "batchReference": random.choice((f"911000{number:07d}", "")),
        "initialNumberOfPieces": pieces,
        "numberOfPieces": random.choice((0, pieces // 2, pieces, pieces + 50)),
        "isDeleted": random.random() < 0.1,
    }
    return made("suppliers", BATCHES, number, **told)


def _mutations(batches: Sequence[Json], seed: int, random: Random) -> list[Json]:
    mutations: list[Json] = []
    for batch in batches:
        for _ in range(random.choice((0, 3, 8))):
            told: dict[str, Any] = {
                "batchId": batch["batchId"],
                "type": random.choice(TYPES),
                "deltaNumberOfPieces": random.choice((-40, -10, 5, 10, None)),
                "creationDateTime": random.choice((*EDGES, None)),
            }
            mutations.append(made("suppliers", MUTATIONS, 1000 * seed + len(mutations), **told))
    return mutations
