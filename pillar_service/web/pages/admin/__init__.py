"""The operators' pages: one noun, one file, all behind door.py."""

from pillar_service.web.pages.admin import (
    accounts,
    audit,
    bots,
    commands,
    events,
    fleet,
    forwardings,
    health,
    jobs,
    nodes,
    registry,
    search,
    stories,
)
from pillar_service.web.pages.admin.door import blueprint

__all__ = [
    "accounts",
    "audit",
    "blueprint",
    "bots",
    "commands",
    "events",
    "fleet",
    "forwardings",
    "health",
    "jobs",
    "nodes",
    "registry",
    "search",
    "stories",
]
