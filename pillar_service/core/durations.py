"""How long a day is, in seconds, for what lasts, is kept or is tried for days."""

DAY_S = 86_400.0
