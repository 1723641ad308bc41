"""Salt finds the engines of a minion here."""
