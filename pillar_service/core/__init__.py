"""The rules of Saltcellar; README.md in this folder says what belongs here."""
