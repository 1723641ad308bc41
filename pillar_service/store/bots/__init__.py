"""Bots, their invites, samples, tars and moves."""
