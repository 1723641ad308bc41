"""YAML files as plain values that know their lines, and the faults in them; see README.md."""
