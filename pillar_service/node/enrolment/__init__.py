"""How a machine becomes a node, changes its key, and goes: the parts of enrol.sh that need more than a shell."""
