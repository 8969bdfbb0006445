"""Access: accounts, permissions, API tokens, and the caller of a request.

It reads accounts, groups and permissions. It alone writes `ApiToken` (`tokens.py`) and the accounts
that the product creates (`accounts.py`). It refuses a token for a person's account, a token with
more permissions than its account, and a longer lifetime than a token was issued with.
"""
