"""The service itself: its audit, its backups, and where an installation is not what it should be."""
