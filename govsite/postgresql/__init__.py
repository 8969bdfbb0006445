"""Django's PostgreSQL backend, whose kept connections are looked at instead of asked."""
