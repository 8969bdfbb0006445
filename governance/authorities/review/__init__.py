"""Founder review: the only place where a person decides.

It reads contracts, and the registry and health that a founder's page shows with them (`view.py`;
`signed_text.py` renders the page as text). It writes nothing: a decision, a question, an answer or
a comment is an operation of the contract, which `flows/review_contract.py` calls after `policy.py`
has agreed. It refuses a person who may not act, a contract that is not in review, a page that
changed after it was read, a frozen capability, and a platform whose health is BLOCKED or unknown.
"""
