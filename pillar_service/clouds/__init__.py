"""Who makes machines; see README.md in this folder for what belongs here."""
