"""The Django backend for PostgreSQL, which checks a kept connection without a query."""
