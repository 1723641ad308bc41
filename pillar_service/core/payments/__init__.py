"""Payments: how a subscription stands, and what is due."""
