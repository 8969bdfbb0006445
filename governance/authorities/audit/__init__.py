"""The audit: PASS, FAIL or INCONCLUSIVE from sealed evidence alone.

Reads evidence and verdicts and nothing else. `verdicts.py` alone writes `GovernanceAudit` and
`AuditResolution`. It refuses a verdict on other evidence than was sealed, a second one, and an
author who took part in what is audited.
"""
