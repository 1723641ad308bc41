"""Bots: where one is placed and how it keeps its identity; its health, invites, exports and moves."""
