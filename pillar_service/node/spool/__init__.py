"""The spool: what this node has to tell the service is on its disk before anybody is told that it was taken.

file      the SQLite file: its schema, its epoch, what to do when it is broken
ledger    the events in it: put, read in order, bounded
bell      wakes who delivers, once something was put
losses    what was let go, so that each is told; what the service refused
spool     what everybody calls: safe from several processes, and alive while the disk is full or can't be written to

Strict order within a stream. There is no limit on tries: an event goes when the service has it, when the service refuses
it for good (it is kept apart), or for want of room.
"""

from pillar_service.node.spool.ledger import Bounds, Place
from pillar_service.node.spool.spool import Spool

__all__ = ["Bounds", "Place", "Spool"]
