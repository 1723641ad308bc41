"""The operators' pages: one noun, one file, all behind one door."""

from pillar_service.web.pages.admin import accounts, audit, bots, events, fleet, health, jobs, nodes, search
from pillar_service.web.pages.admin.door import blueprint

__all__ = ["accounts", "audit", "blueprint", "bots", "events", "fleet", "health", "jobs", "nodes", "search"]
