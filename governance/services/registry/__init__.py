"""The registry: the governed platform's state, its capabilities and their configuration.

Reads and alone writes `Capability` and `ConfigurationEntry`. Others get values (`queries.py`). It
refuses capabilities it cannot name and lifecycles it does not know.
"""
