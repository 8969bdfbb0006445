"""Idempotent requests: a repeated request is carried out once, and gets the same response.

It reads and alone writes `IdempotencyRecord` (`stored_responses.py`). It refuses a key that was
used for another request, and a request whose first attempt is still running.
"""
