"""The service itself: its storage, secrets, masters, audit and figures; its backups, and rebuilding it from one."""
