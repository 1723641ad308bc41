"""What somebody can do; see README.md in this folder for what belongs here."""
