"""The public app's pages: one noun, one file; each view calls one use case."""

from pillar_service.web.pages import (
    account,
    admin,
    bots,
    deletions,
    exports,
    imports,
    jobs,
    landing,
    mailbox,
    payments,
    reset,
    second_factor,
    sign_in,
    start,
    status,
)

PAGES = (
    landing,
    start,
    sign_in,
    reset,
    account,
    second_factor,
    mailbox,
    payments,
    bots,
    status,
    imports,
    exports,
    deletions,
    jobs,
    admin,
)
"""What the public app shows; each has a ``blueprint``."""
