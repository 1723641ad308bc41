"""Names shared by the tests of a node."""

BOT = "1f3a9c2e5b7d9e0f"
PUB = "@" + "A" * 43 + "=.ed25519"
