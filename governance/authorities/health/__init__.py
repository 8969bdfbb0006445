"""Health: what is observed of the platform before and after a change.

It reads and alone writes `GovernanceSignal`, `HealthFailure` and `ObservedState`. Others get a
health reading as a value, never rows: a flow reads it before its transaction opens, and passes it
on. It does not guess: a reading that fails or takes too long says why nobody can tell.
"""
