"""The usual packing of a trade item, in the two forms of Floriday's records."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.grower_context import package


def with_package(item: Item) -> Document:
    """The packing with the package as an object, as in requests and clock supply lines."""
    packing = item.packing
    return {
        "piecesPerPackage": packing["piecesPerPackage"],
        "package": package(packing["package"]["vbnPackageCode"]),
        "packagesPerLayer": packing["packagesPerLayer"],
        "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
        "loadCarrier": packing["loadCarrier"],
    }


def with_package_codes(item: Item, custom_package_id: str | None = None) -> Document:
    """The packing with the package's codes as fields of its own, as in offers and contracts."""
    packing = item.packing
    return {
        "piecesPerPackage": packing["piecesPerPackage"],
        "vbnPackageCode": packing["package"]["vbnPackageCode"],
        "customPackageId": custom_package_id,
        "packagesPerLayer": packing["packagesPerLayer"],
        "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
        "loadCarrier": packing["loadCarrier"],
        "photoUrl": None,
    }
