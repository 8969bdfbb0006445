"""The audit: PASS, FAIL or INCONCLUSIVE from sealed evidence alone.

It reads evidence and verdicts and nothing else. It alone writes `GovernanceAudit` and
`AuditResolution` (`verdicts.py`). It refuses a verdict on other evidence than the sealed evidence,
a second verdict on a job, and an author who took part in the contract or its job.
"""
