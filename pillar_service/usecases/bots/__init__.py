"""Bots: made, shown, reported on, exported, moved, restored, let go."""
