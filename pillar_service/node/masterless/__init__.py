"""Converging without a master: the last good states and pillar are kept, sealed, and applied when bots are amiss."""
