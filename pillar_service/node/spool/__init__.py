"""The spool: keeps the events of this node on disk until the service has them.

file      the SQLite file: its schema, what to do when it is broken
epochs    the epoch of its numbers: after a reboot, in a new file or after a clock's jump a new one begins
ledger    the events in the file: put, read in order, bounded
bell      wakes the duty `deliver` when an event was put
losses    events that were dropped, so that each loss is reported; events that the service refused
spool     what everybody calls: safe from several processes, and able to go on while the disk is full or read-only

An event is on disk before its sender learns that it was taken. Order is strict within a stream. Delivery is tried without
limit: an event leaves when the service has it, when the service refuses it for good (it is kept apart), when it is too
old, or when room is needed.
"""

from pillar_service.node.spool.ledger import Bounds, Place
from pillar_service.node.spool.spool import Spool

__all__ = ["Bounds", "Place", "Spool"]
