"""What the service tells of itself to Prometheus; the only room that knows its library."""
