"""The node's side of Saltcellar; see README.md in this folder."""
