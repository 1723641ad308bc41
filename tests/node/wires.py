"""Names that the tests of a node share."""

BOT = "1f3a9c2e5b7d9e0f"
PUB = "@" + "A" * 43 + "=.ed25519"
