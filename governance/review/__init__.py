"""Founder review: the only place where a person decides.

Reads contracts. It writes nothing itself: a decision, a question, an answer or a comment is the
contract's own operation, called after `policy.py` said that this person may. It refuses whoever
may not review, a frozen capability, and a platform that is blocked or of which nobody can tell how
it is.
"""
