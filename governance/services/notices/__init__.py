"""Notices: lines of text for the people whom something concerns, until they mark them as read.

It reads and alone writes `Notice`. A flow says what happened and whom it concerns, in the
transaction that causes it; pages read a person's own notices (`queries.py`). It refuses to mark the
notices of anybody else.
"""
