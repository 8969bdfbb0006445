"""Change freezes: a founder stops all changes for a while, and lifts the freeze again.

Reads and alone writes `ChangeFreeze` and `FreezeLift` (`operations.py`). Others get the active
freeze as a value (`queries.py`) and refuse by it (`guards.py`). It refuses whoever is no founder, a
freeze without a reason, and an end that is past or too far ahead.
"""
