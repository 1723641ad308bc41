"""What salt-master loads of Saltcellar: its `salt.loader` entry point names this package. See README.md here."""
