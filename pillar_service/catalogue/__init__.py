"""The catalogue, read from its files; README.md in this folder says what belongs here."""

from pillar_service.catalogue.loading import load, stamp

__all__ = ["load", "stamp"]
