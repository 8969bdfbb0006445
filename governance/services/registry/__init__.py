"""The registry: the capabilities of the governed platform, and their configuration.

It reads and alone writes `Capability` and `ConfigurationEntry` (`operations.py`). Others get values
(`queries.py`). It refuses a capability with an invalid name or an unknown lifecycle.
"""
