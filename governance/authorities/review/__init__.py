"""Founder review: the only place where a person decides.

It reads contracts, and the registry and health that a founder's page shows with them (`view.py`;
`signed_text.py` renders the page as text). It writes nothing itself: a decision, a question, an
answer or a comment is an operation of the contract, which review calls after `policy.py` has
checked the person. It refuses a person who may not review, a page that changed after it was read,
a frozen capability, a platform whose health is BLOCKED or unknown, and every approval during a
change freeze.
"""
