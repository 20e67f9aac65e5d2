"""A world of nurseries that trade, from a seed; ``market`` holds that of the buyers.

Each module makes one kind of thing: organizations, trade items, stock, orders, deliveries. ``nursery`` ties them
together for one grower, ``agenda`` holds what is going to happen. The world knows books and no server.
"""

from pipelines.sandbox.world.market import Market
from pipelines.sandbox.world.parties import buyer, grower
from pipelines.sandbox.world.world import World

__all__ = ["Market", "World", "buyer", "grower"]
