"""The database layer: models and queries. README.md in this folder says what belongs here."""
