"""The orchestrator: makes a contract into one job, tracks the job, and seals its evidence.

It reads contracts, and the health readings and change freezes that a flow passes in. It alone
writes jobs, steps, step results, health snapshots and evidence. It executes no step, gives no
verdict, and imports neither health nor the audit. It refuses to activate a contract that is not
APPROVED, was changed after its approval, is outside its window, or meets a platform whose health is
BLOCKED or unknown. It refuses a report that is out of order, late, or under an old execution token.
"""
