"""The world of the customers API: a simulation of buyers, which follows from a seed.

``growers`` holds the sellers, which all buyers share. ``buyer`` runs the days of one buyer. The other modules make the
records of one kind each, by way of the ``buyer_context``. ``world`` holds the simulated time.
"""

from pipelines.sandbox.world.market.world import Market

__all__ = ["Market"]
