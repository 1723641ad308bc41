"""Bots: where one goes and who it stays; its health, invites, exports and moves."""
