"""Health: what is observed of the platform, before and after a change.

Reads and alone writes `GovernanceSignal`. Everyone else gets readings, never rows: a flow asks for
one before its transaction opens and hands the value on. It refuses to guess: when it cannot tell
in time, it says so.
"""
