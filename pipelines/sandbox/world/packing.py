"""A trade item's usual packing, in the shapes in which Floriday's records tell it."""

from __future__ import annotations

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.site import package


def briefly(item: Item) -> Document:
    """Its measures and its package: what requests and lines at the clock tell."""
    packing = item.packing
    return {
        "piecesPerPackage": packing["piecesPerPackage"],
        "package": package(packing["package"]["vbnPackageCode"]),
        "packagesPerLayer": packing["packagesPerLayer"],
        "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
        "loadCarrier": packing["loadCarrier"],
    }


def with_codes(item: Item, custom_package_id: str | None = None) -> Document:
    """Its measures with the package's codes among them: what offers and contracts tell."""
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
