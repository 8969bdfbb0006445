"""The orchestrator: contract → one job with an ordered plan; tracks it; seals its evidence.

Reads contracts, and health readings that a flow hands it. It alone writes jobs, steps, results,
snapshots and evidence. It executes nothing and decides no verdict: it cannot reach the executor
or the auditor. It refuses a contract that is not approved, unchanged, in its window and on a
healthy platform, and every report that is out of order, late or under an old token.
"""
