"""Founder review: the only place where a person decides.

Reads contracts, and the platform around them as founders see it (`view.py`, as a document
`document.py`). A decision, a question, an answer or a comment is the contract's own operation,
called after `policy.py` said that this person may; review itself writes only that the line is
stopped and runs again (`line.py`). It refuses whoever may not review, a page that changed since it
was read, a stopped line, a frozen capability, and a platform that is blocked or of which nobody can
tell how it is.
"""
