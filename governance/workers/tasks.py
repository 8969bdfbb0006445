"""The tasks of workers: each calls one flow. What is due by time runs once in its period."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import Event
from uuid import UUID

from procrastinate.contrib.django import app
from procrastinate.jobs import Status

from governance.authorities.audit.queries import enqueue_waiting_audits
from governance.authorities.orchestrator.queries import enqueue_run, enqueue_waiting_runs
from governance.domain.errors import EvidenceNotSealedError, JobNotFoundError, TooManyEndingsError
from governance.domain.roles import MachineAccount
from governance.flows import sweep
from governance.flows.approve_rollback import approve_rollbacks
from governance.flows.audit_by_machine import audit_job
from governance.flows.audit_job import is_auditor_inside
from governance.flows.observe_platform import Agreement, observe_platform, scopes_outside
from governance.flows.run_by_worker import run_job_by_worker
from governance.flows.sweep import SweepResult
from governance.flows.write_checkpoint import write_due_checkpoint
from governance.services.access.accounts import machine_account
from governance.services.idempotency.stored_responses import purge_stored_responses

logger = logging.getLogger(__name__)

EVERY_MINUTE = "* * * * *"
EVERY_HOUR = "7 * * * *"
# Set once the worker of this process stops: a task that did not begin goes back to the queue.
STOPPING = Event()


@app.task(name="run_job", queue="runs")
def run_job(job_id: str) -> None:
    """Run a job that waits for a worker."""
    if STOPPING.is_set():
        enqueue_run(UUID(job_id))
        return
    try:
        run_job_by_worker(job_id=UUID(job_id))
    except JobNotFoundError:
        logger.info("job %s: was removed", job_id)


@app.task(name="activate_contract", queue="sweeps")
def activate_one_due(contract_id: str) -> None:
    """Activate a contract whose window has opened, if its approval allows it by itself."""
    scheduler = machine_account(MachineAccount.SCHEDULER)
    _log(sweep.activate_contracts_by_themselves(actor=scheduler, only=UUID(contract_id)))


@app.task(name="audit_job", queue="sweeps")
def audit_one(job_id: str) -> None:
    """Judge a job whose evidence is sealed."""
    try:
        audit = audit_job(job_id=UUID(job_id))
    except EvidenceNotSealedError:
        logger.info("job %s: was removed", job_id)
        return
    logger.info("job %s: the audit is %s", job_id, audit.verdict if audit else "tried again later")


@app.task(name="approve_rollback", queue="sweeps")
def approve_one_rollback(contract_id: str) -> None:
    """Approve a rollback that was just proposed, if founders authorised it before."""
    _log(approve_rollbacks(only=UUID(contract_id)))


# A task that waits is not enqueued again. There is no lock: a killed worker would keep it for ever.
@app.periodic(cron=EVERY_MINUTE)
@app.task(name="enqueue_runs", queue="sweeps", queueing_lock="enqueue_runs")
def enqueue_runs(timestamp: int) -> None:
    """Enqueue the jobs that wait for a worker and have no task."""
    if found := enqueue_waiting_runs():
        logger.info("enqueued %s jobs that had no task", found)


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="enqueue_audits", queue="sweeps", queueing_lock="enqueue_audits")
def enqueue_audits(timestamp: int) -> None:
    """Enqueue the audits that have neither a verdict nor a task."""
    if is_auditor_inside() and (found := enqueue_waiting_audits()):
        logger.info("enqueued %s audits that had no task", found)


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="expire_reviews", queue="sweeps", queueing_lock="expire_reviews")
def expire_reviews(timestamp: int) -> None:
    """End the contracts whose review or activation window is over."""
    _log(sweep.expire_contracts(actor=machine_account(MachineAccount.SCHEDULER)))


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="activate_due", queue="sweeps", queueing_lock="activate_due")
def activate_due(timestamp: int) -> None:
    """Approve rollbacks that were authorised before, and activate what activates by itself."""
    _log(approve_rollbacks())
    scheduler = machine_account(MachineAccount.SCHEDULER)
    _log(sweep.activate_contracts_by_themselves(actor=scheduler))


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="fail_lost_jobs", queue="sweeps", queueing_lock="fail_lost_jobs")
def fail_lost_jobs(timestamp: int) -> None:
    """End the jobs whose lease is over."""
    _log(sweep.fail_timed_out_jobs(actor=machine_account(MachineAccount.SCHEDULER)))


@app.periodic(cron=EVERY_HOUR)
@app.task(name="purge_stored_answers", queue="sweeps", queueing_lock="purge_stored_answers")
def purge_stored_answers(timestamp: int) -> None:
    """Delete the stored responses of API calls that are older than a day."""
    purge_stored_responses()


@app.periodic(cron=EVERY_HOUR)
@app.task(name="write_checkpoint", queue="sweeps", queueing_lock="write_checkpoint")
def write_checkpoint(timestamp: int) -> None:
    """Write a checkpoint of the ledger, if the site has a folder for them."""
    write_due_checkpoint()


@app.periodic(cron=EVERY_HOUR)
@app.task(name="observe_platform", queue="sweeps", queueing_lock="observe_platform")
def observe_whole_platform(timestamp: int) -> None:
    """Compare what the platform holds with the registry, and record signals of drift."""
    scheduler = machine_account(MachineAccount.SCHEDULER)
    for one in observe_platform(scopes_outside(), actor=scheduler):
        if one.agreement is not Agreement.AGREES:
            logger.info("%s: %s", one.scope, one.agreement)


@app.periodic(cron=EVERY_HOUR)
@app.task(name="clean_queue", queue="sweeps", queueing_lock="clean_queue")
async def clean_queue(timestamp: int) -> None:
    """Mark the tasks of killed workers as failed, and delete tasks that ended a day ago."""
    manager = app.job_manager
    for task in await manager.get_stalled_jobs():
        await manager.finish_job(task, Status.FAILED, delete_job=False)
    await manager.delete_old_jobs(
        nb_hours=24, include_failed=True, include_cancelled=True, include_aborted=True
    )


def _log(results: Iterable[SweepResult]) -> None:
    """Carry out a sweep, and log what it ended and what it could not."""
    try:
        for result in results:
            if result.refusal is None:
                logger.info("%s: %s", result.subject_id, result.status)
            elif not (result.moved_by_another or result.held_by_freeze):
                logger.warning("%s: %s", result.subject_id, result.refusal)
    except TooManyEndingsError as held:
        logger.warning("%s", held)
