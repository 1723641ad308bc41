"""The service itself: its audit, masters, figures, backups; its database on the way into another."""
