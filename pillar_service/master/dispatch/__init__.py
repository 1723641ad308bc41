"""The dispatcher: claims publish; events, delivery bring back; watch ends what does not end; changes clear caches.

Keys let nodes in, and cut them off.
"""
