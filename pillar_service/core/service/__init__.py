"""The service itself: its audit, its backups, and how an installation differs from what it should be."""
