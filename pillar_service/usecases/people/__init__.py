"""People: signing up and in, changing an account, sharing, leaving; how they prove who they are, and what they may do."""
