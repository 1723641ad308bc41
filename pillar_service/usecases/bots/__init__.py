"""Bots: making, showing, reporting on, exporting, moving, restoring and deleting them."""
