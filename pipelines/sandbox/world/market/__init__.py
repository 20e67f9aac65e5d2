"""A market as its buyers see it, from a seed: the world of the Customers API.

``growers`` holds who sells, which all buyers share; the other modules make one kind of thing for one buyer each, whose
``desk`` is the way into its books. ``buyer`` ties them together, ``world`` lets time pass.
"""

from pipelines.sandbox.world.market.world import Market

__all__ = ["Market"]
