"""Lengths of time in seconds, and the way people write them (`90`, `90s`, `5m`, `1h30m`, `2d`)."""

import re

from pillar_service.core import names
from pillar_service.core.errors import Invalid

DAY_S = 86_400.0

AHEAD_S = 7_200.0
"""Nothing is put off for this long (seconds): a moment further ahead was written by a clock that was set back later."""

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}

_WRITTEN = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s?)?", re.ASCII)


def is_from_ahead(moment: float, now: float) -> bool:
    """Whether a moment (seconds since 1970) was written by a clock that has been set back since."""
    return moment > now + AHEAD_S


def seconds(written: object, what: str = "length of time") -> int:
    """The number of seconds that the text stands for; a bare number means seconds. Raises Invalid for anything else."""
    if isinstance(written, int) and not isinstance(written, bool) and 0 <= written < 10**9:
        return written
    found = _WRITTEN.fullmatch(written.strip().lower()) if isinstance(written, str) else None
    if not found or not found[0]:
        raise Invalid(f"The {what} must be written as '90s', '5m', '1h30m' or '2d', not {names.shown(written)}.")
    return sum(int(number or 0) * unit for number, unit in zip(found.groups(), UNITS.values(), strict=True))


def words(length_s: int) -> str:
    """A length in seconds as a person would write it, longest unit first: `1h30m`."""
    parts = []
    for name, unit in UNITS.items():
        number, length_s = divmod(length_s, unit)
        parts.append(f"{number}{name}" if number else "")
    return "".join(parts) or "0s"
