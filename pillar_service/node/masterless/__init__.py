"""Converging without a master: the last good states and pillar are kept, sealed, and applied where bots are not as told."""
