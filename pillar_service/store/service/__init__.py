"""The service itself: its audit, masters, figures and backups, and moving its database into another."""
