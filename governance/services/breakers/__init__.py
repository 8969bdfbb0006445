"""Circuit breakers: a handler with faults gets one job at a time, and after two in a row none.

It reads jobs, and reads and alone writes `HandlerBreaker` and `BreakerEvent` (`operations.py`); the
rule is `domain/breaker.py`. It refuses the closing of a breaker by a person who is no operator,
without a reason, or while the breaker is not open.
"""
