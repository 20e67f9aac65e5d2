"""Handmade batches and batch mutations: every type of mutation, sold-out, deleted and unknown batches."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, get_args

from pipelines.catalogue.suppliers.supply import BatchMutationType
from tests.integration.report_warehouse import BOUNDARY_TIMES, Json, ReportWarehouse, id_of, make_record
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import GROWERS, ROSE, TULIP, UNKNOWN

BATCHES = "supply.batches"
MUTATIONS = "supply.batch_mutations"
TYPES = ("CLAIM", "CLAIM", "CLAIM", "UNCLAIM", *get_args(BatchMutationType), None)


def store_all(warehouse: ReportWarehouse) -> ReportWarehouse:
    """Store batches of two accounts and their mutations, some of which reference unknown batches."""
    for account, seed, count in (("north", 11, 60), ("south", 12, 20)):
        random = Random(f"stock {seed}")
        batches = [_batch(1000 * seed + number, random) for number in range(count)]
        warehouse.store(BATCHES, batches, account)
        warehouse.store(MUTATIONS, _mutations([*batches, {"batchId": id_of("unknown batch")}], seed, random), account)
    handmade_orders.store_names(warehouse)
    return warehouse


def _batch(number: int, random: Random) -> Json:
    pieces = random.choice((400, 120, 1, 0))
    fields: dict[str, Any] = {
        "tradeItemId": random.choice((ROSE, TULIP, UNKNOWN, None)),
        "supplierOrganizationId": random.choice(GROWERS),
        "batchDate": random.choice((*BOUNDARY_TIMES, None)),
        "batchReference": random.choice((f"911000{number:07d}", "")),
        "initialNumberOfPieces": pieces,
        "numberOfPieces": random.choice((0, pieces // 2, pieces, pieces + 50)),
        "isDeleted": random.random() < 0.1,
    }
    return make_record("suppliers", BATCHES, number, **fields)


def _mutations(batches: Sequence[Json], seed: int, random: Random) -> list[Json]:
    mutations: list[Json] = []
    for batch in batches:
        for _ in range(random.choice((0, 3, 8))):
            fields: dict[str, Any] = {
                "batchId": batch["batchId"],
                "type": random.choice(TYPES),
                "deltaNumberOfPieces": random.choice((-40, -10, 5, 10, None)),
                "creationDateTime": random.choice((*BOUNDARY_TIMES, None)),
            }
            mutations.append(make_record("suppliers", MUTATIONS, 1000 * seed + len(mutations), **fields))
    return mutations
