"""From a YAML file to plain values that know their lines, and what is wrong with them; see README.md."""
