"""A discrete-event simulation of growers that trade, which follows from a seed; ``market`` simulates buyers.

Each module makes the records of one kind: organizations, trade items, stock, orders, deliveries. ``nursery`` runs the
days of one grower. ``event_queue`` holds the planned events. The world writes records into books; it has no server.
"""

from pipelines.sandbox.world.market import Market
from pipelines.sandbox.world.parties import buyer, grower
from pipelines.sandbox.world.world import World

__all__ = ["Market", "World", "buyer", "grower"]
