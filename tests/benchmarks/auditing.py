"""`audit`: the seven checks of a job's sealed evidence, against reading and hashing it only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from governance.authorities.audit.judgement import judge_evidence
from governance.domain.canonical import canonical_bytes, load_json, sha256_hex
from governance.domain.values import AuditVerdict
from tests.benchmarks.figures import Figure
from tests.support.evidence import evidence_of

JOBS = 2000


def measure_audits(*, rounds: int, advance: Callable[[int], object]) -> Iterator[Figure]:
    """Measure the jobs per second of one process; a verdict's checks are serialized too."""
    body = canonical_bytes(evidence_of()).decode()
    ours, baseline = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(JOBS):
            judgement = judge_evidence(load_json(body))
            canonical_bytes(judgement.checks_as_documents())
        ours.append(JOBS / (time.perf_counter() - began))
        if judgement.verdict is not AuditVerdict.PASS:
            raise RuntimeError(f"An honest job does not pass: {judgement.reason}")
        began = time.perf_counter()
        for _ in range(JOBS):
            load_json(body)
            sha256_hex(body)
        baseline.append(JOBS / (time.perf_counter() - began))
        advance(1)
    yield Figure(
        part="audit",
        measure="jobs of three steps judged by seven checks",
        clients=1,
        unit="/s",
        ours=ours,
        baseline=baseline,
        against="evidence read and hashed",
        target=2000,
        absolute=True,
    )
