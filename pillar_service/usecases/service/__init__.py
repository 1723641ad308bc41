"""The service itself: its storage, secrets, masters, audit and figures; its backups, and itself out of one."""
