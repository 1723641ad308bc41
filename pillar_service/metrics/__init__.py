"""The service's metrics for Prometheus; the only room that uses its library."""
