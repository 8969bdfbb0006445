"""The Django application of govsite; docs/architecture.md explains its packages."""
