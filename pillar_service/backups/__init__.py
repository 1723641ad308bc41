"""Where snapshots go; see README.md in this folder."""
