"""The audit: PASS, FAIL or INCONCLUSIVE from sealed evidence alone.

It reads evidence and verdicts and nothing else. `judgement.py` has the seven checks of the site's
own auditor, as pure functions over the evidence. It alone writes `GovernanceAudit` and
`AuditResolution` (`verdicts.py`) and `AuditAttempt` (`attempts.py`). It refuses a
verdict on other evidence than the sealed evidence, a second verdict on a job, and an author who
took part in the contract or its job.
"""
