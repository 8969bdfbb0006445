"""Idempotent requests: a call that is sent again is carried out once, and answered as before.

Reads and alone writes `IdempotencyRecord` (`stored_responses.py`). It refuses a key that is reused
for another request, and a request that is still being carried out.
"""
