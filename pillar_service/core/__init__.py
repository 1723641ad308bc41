"""The rules of Saltcellar; see README.md in this folder for what may stand here."""
