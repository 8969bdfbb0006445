"""Access: accounts, API tokens, and who is calling.

Reads accounts, groups and permissions. It alone writes accounts that the product makes
(`accounts.py`) and `ApiToken` (`tokens.py`). It refuses a token for a person's account, a token
that may do more than its account, and a longer life than was issued.
"""
