"""The service's apps, made once per process for all tests that have the same settings."""

import os
from collections.abc import Callable

from flask import Flask

OF_ONE_TEST = ("CELLAR_FILES", "CELLAR_DATABASE")
"""Settings that an app reads anew with every request."""

MADE: dict[tuple[object, ...], Flask] = {}


def made_once(create_app: Callable[[], Flask]) -> Flask:
    """The app for the current settings. It keeps no state between requests, and making one takes half a second."""
    told = sorted(one for one in os.environ.items() if one[0].startswith("CELLAR_") and one[0] not in OF_ONE_TEST)
    key = (create_app, *told)
    if key not in MADE:
        MADE[key] = create_app()
    return MADE[key]
