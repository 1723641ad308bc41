"""How a machine becomes a node, changes its key, and leaves: the parts of enrol.sh that need more than a shell."""
