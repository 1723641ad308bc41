"""Bots: their rows, invites, samples, tars and moves."""
