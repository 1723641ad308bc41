"""Fixtures for tests on the whole stack."""

from stack import cellar, cellar_1, cellar_2, client, engine, master, minions, service

__all__ = ["cellar", "cellar_1", "cellar_2", "client", "engine", "master", "minions", "service"]
