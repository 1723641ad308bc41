"""Payments: the state of a subscription, and what is due."""
