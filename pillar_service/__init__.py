"""Saltcellar: Scuttlebutt pubs for people, poured by Salt."""

__version__ = "0.1.0"
