"""One incremental load of sales orders with dlt, with its fastest settings (Parquet loader, large buffers).

python dlt_load.py BASE_URL WAREHOUSE
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import dlt
import orjson
import requests

base, path = sys.argv[1:]


@dlt.resource(name="sales_orders", write_disposition="merge", primary_key="salesOrderId")
def sales_orders(cursor: Any = dlt.sources.incremental("sequenceNumber", initial_value=0)) -> Iterator[Any]:  # noqa: B008
    """Yield all pages after the cursor."""
    after = cursor.last_value
    with requests.Session() as session:
        while True:
            answer = session.get(f"{base}/sales-orders/sync/{after}", params={"limitResult": 1000}, timeout=60)
            page = orjson.loads(answer.content)
            if not page["results"]:
                return
            yield page["results"]
            after = page["maximumSequenceNumber"]


pipeline = dlt.pipeline("orders", destination=dlt.destinations.duckdb(path), dataset_name="orders")
pipeline.run(sales_orders(), loader_file_format="parquet")
