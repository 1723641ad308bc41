"""What is kept; see README.md in this folder for what may stand here."""
