"""The two doors of the service; see README.md in this folder for what may stand here."""
