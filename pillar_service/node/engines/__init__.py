"""The engines of a minion, where Salt finds them."""
