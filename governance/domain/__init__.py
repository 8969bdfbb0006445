"""Shared values and rules of the domain: plain Python, without Django and without I/O.

May read: its arguments. Writes: nothing. Refuses: input that does not fit, with an `errors` class.

`values` has the enums and value objects, `lifecycles` the tables of status moves, `changes` and
`verdicts` the parsed forms of what arrives, `canonical` the canonical JSON and its hash, and
`errors` every error with its code.
"""
