"""Change freezes: a founder stops all changes for some hours, and can lift the freeze earlier.

It reads and alone writes `ChangeFreeze` and `FreezeLift` (`operations.py`). Others get the active
freeze as a value (`queries.py`) and refuse with it (`guards.py`). It refuses a person who is no
founder, a freeze without a reason, and an end in the past or too far ahead.
"""
