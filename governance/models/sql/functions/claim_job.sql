-- JOB-003 and FREEZE: claim the oldest PENDING job within the token's scope (NULL is no limit), and
-- start it. A job whose contract another transaction has locked is skipped. PostgreSQL picks the
-- job, so the ledger entry is made here too (append_new_entry.sql). During a change freeze the
-- claim is refused even if no job waits, so that the executor learns the reason.
CREATE OR REPLACE FUNCTION governance_claim_job(
    executor bigint, actor text, at timestamptz, grace interval, token_sha256 text,
    token_scope varchar[]
) RETURNS SETOF governance_governancejob
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    picked record;
    claimed governance_governancejob%ROWTYPE;
    head record;
    deadline timestamptz;
    lease timestamptz;
    started text;
BEGIN
    -- The same condition as `FreezeQuerySet.in_force`. This check takes no lock, because
    -- change_freeze_active.sql checks again at the commit.
    IF EXISTS (
        SELECT FROM governance_changefreeze change_freeze
          LEFT JOIN governance_freezelift lift ON lift.freeze_id = change_freeze.id
         WHERE change_freeze.ends_at > at
           AND (lift.id IS NULL OR (change_freeze.started_at <= at AND at < lift.lifted_at))
    ) THEN
        PERFORM governance_refuse('change_freeze_active', 'Changes are frozen.');
    END IF;
    IF token_scope IS NULL THEN
        SELECT job.id, job.contract_id, job.timeout_minutes INTO picked
          FROM governance_governancejob job
          JOIN governance_systemcontract contract ON contract.id = job.contract_id
         WHERE job.status = 'PENDING'
         ORDER BY job.created_at, job.id
         LIMIT 1 FOR UPDATE OF contract, job SKIP LOCKED;
    ELSE
        SELECT job.id, job.contract_id, job.timeout_minutes INTO picked
          FROM governance_governancejob job
          JOIN governance_systemcontract contract ON contract.id = job.contract_id
         WHERE job.status = 'PENDING' AND contract.affected_capabilities && token_scope
           AND contract.affected_capabilities <@ token_scope
         ORDER BY job.created_at, job.id
         LIMIT 1 FOR UPDATE OF contract, job SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT seq, hash INTO head FROM governance_ledgerentry
     WHERE contract_id = picked.contract_id ORDER BY seq DESC LIMIT 1;
    deadline := at + picked.timeout_minutes * interval '1 minute';
    SELECT least(at + timeout_seconds * interval '1 second' + grace, deadline) INTO lease
      FROM governance_jobstep WHERE job_id = picked.id AND step_index = 0;
    started := encode(sha256(convert_to(
        '{"deadline_at":' || governance_canonical_time(deadline)
        || ',"execution_token_sha256":"' || token_sha256
        || '","started_at":' || governance_canonical_time(at)
        || ',"started_by":' || executor || '}', 'UTF8')), 'hex');
    UPDATE governance_governancejob
       SET status = 'RUNNING', started_at = at, started_by_id = executor, deadline_at = deadline,
           lease_expires_at = lease, execution_token_sha256 = token_sha256,
           updated_at = greatest(updated_at, at)
     WHERE id = picked.id
    RETURNING * INTO claimed;
    PERFORM governance_append_new_entry(
        picked.contract_id, head.seq, head.hash, at, actor, 'job.execution.started', 'PENDING',
        'RUNNING', '', NULL, '{"start_sha256":"' || started || '"}');
    RETURN NEXT claimed;
END $$;
