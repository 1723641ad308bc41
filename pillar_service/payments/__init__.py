"""Who takes the money; see README.md in this folder for what belongs here."""
