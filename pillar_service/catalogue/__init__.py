"""From files to the catalogue; see README.md in this folder for what may stand here."""

from pillar_service.catalogue.loading import load, stamp

__all__ = ["load", "stamp"]
