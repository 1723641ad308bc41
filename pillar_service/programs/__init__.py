"""Programs that run beside the service, to their end."""
