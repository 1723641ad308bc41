"""The service's two apps, public and private; README.md in this folder says what belongs here."""
