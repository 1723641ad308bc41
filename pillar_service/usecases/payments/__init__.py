"""Payments: what people see and do about them, what is due, what a provider reports."""
