-- JOB-003 and lease: start a PENDING job in one call: the job `wanted`, or the oldest one within the
-- scope of the executor's token that no other transaction has locked, and whose own scope no RUNNING
-- job overlaps (running_scopes.sql). With `served`, only a job counts whose steps all have these
-- types, and whose timeouts fit into its activation window. PostgreSQL picks the job, so its time,
-- its lease and its ledger entry are made here too. Without a job to start, no row is returned.
-- A claim passes over jobs that run by themselves (job_runner.sql). During a change freeze it is
-- refused even if no job waits, so that the executor learns the reason. A wanted job that is not
-- PENDING is refused for that, not for the freeze.
CREATE OR REPLACE FUNCTION governance_job_is_served(
    job uuid, window_closes_at timestamptz, served varchar[]
) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN (
        SELECT bool_and(step_type = ANY (served)) AND
               governance_now() + sum(timeout_seconds) * interval '1 second' <= window_closes_at
          FROM governance_jobstep WHERE job_id = job);
END $$;

CREATE OR REPLACE FUNCTION governance_start_job(
    wanted uuid, executor bigint, actor text, grace interval, completion_grace interval,
    token_sha256 text, token_scope varchar[], served varchar[]
) RETURNS SETOF governance_governancejob
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    picked record;
    other record;
    busy varchar[] := '{}'; -- the capabilities that this claim passes over
    started governance_governancejob%ROWTYPE;
    at timestamptz;
    deadline timestamptz;
    start_sha256 text;
BEGIN
    IF wanted IS NOT NULL THEN
        SELECT job.id, job.contract_id, job.timeout_minutes, contract.affected_capabilities
          INTO picked
          FROM governance_governancejob job
          JOIN governance_systemcontract contract ON contract.id = job.contract_id
         WHERE job.id = wanted AND job.status = 'PENDING' FOR UPDATE OF contract, job;
    ELSE
        LOOP
            IF token_scope IS NULL THEN
                SELECT job.id, job.contract_id, job.timeout_minutes, contract.affected_capabilities
                  INTO picked
                  FROM governance_governancejob job
                  JOIN governance_systemcontract contract ON contract.id = job.contract_id
                 WHERE job.status = 'PENDING' AND job.run_by = 'client'
                   AND NOT contract.affected_capabilities && busy
                   AND (served IS NULL
                        OR governance_job_is_served(job.id, contract.window_closes_at, served))
                 ORDER BY job.created_at, job.id
                 LIMIT 1 FOR UPDATE OF contract, job SKIP LOCKED;
            ELSE
                SELECT job.id, job.contract_id, job.timeout_minutes, contract.affected_capabilities
                  INTO picked
                  FROM governance_governancejob job
                  JOIN governance_systemcontract contract ON contract.id = job.contract_id
                 WHERE job.status = 'PENDING' AND job.run_by = 'client'
                   AND contract.affected_capabilities && token_scope
                   AND contract.affected_capabilities <@ token_scope
                   AND NOT contract.affected_capabilities && busy
                   AND (served IS NULL
                        OR governance_job_is_served(job.id, contract.window_closes_at, served))
                 ORDER BY job.created_at, job.id
                 LIMIT 1 FOR UPDATE OF contract, job SKIP LOCKED;
            END IF;
            EXIT WHEN picked.id IS NULL;
            -- A claim waits for nobody: it passes over a scope on which another start is about to
            -- commit. The statement after the lock sees what was committed before.
            IF governance_try_lock_scope(picked.affected_capabilities) THEN
                SELECT capability INTO other
                  FROM governance_overlapping_job(picked.affected_capabilities);
                EXIT WHEN NOT FOUND;
                IF other.capability = 'SYSTEM'
                   AND NOT 'SYSTEM' = ANY (picked.affected_capabilities) THEN
                    picked.id := NULL; -- a job on SYSTEM runs, so none can start
                    EXIT;
                END IF;
                busy := busy || other.capability;
            ELSE
                busy := busy || picked.affected_capabilities;
            END IF;
        END LOOP;
    END IF;
    IF picked.id IS NOT NULL OR wanted IS NULL THEN
        -- This check takes no lock, because change_freeze_active.sql checks again at the commit.
        PERFORM governance_refuse_active_freeze(governance_now());
    END IF;
    IF picked.id IS NULL THEN
        RETURN;
    END IF;
    IF wanted IS NOT NULL THEN
        -- scope_busy.sql checks again. It is checked here first, so that the job's start is dated
        -- after the end of a job for whose lock it waited.
        PERFORM governance_require_free_scope(picked.affected_capabilities);
    END IF;
    at := governance_chain_now(picked.contract_id);
    deadline := at + picked.timeout_minutes * interval '1 minute';
    UPDATE governance_governancejob
       SET status = 'RUNNING', started_at = at, started_by_id = executor, deadline_at = deadline,
           lease_expires_at = governance_lease_end(
               picked.id, 0, at, deadline, grace, completion_grace),
           execution_token_sha256 = token_sha256, updated_at = at
     WHERE id = picked.id
    RETURNING * INTO started;
    -- The canonical JSON of GovernanceJob.start_record.
    start_sha256 := encode(sha256(convert_to(
        '{"deadline_at":"' || governance_timestamp(deadline)
        || '","execution_token_sha256":"' || token_sha256
        || '","started_at":"' || governance_timestamp(at)
        || '","started_by":' || executor || '}', 'UTF8')), 'hex');
    PERFORM governance_append_entries(picked.contract_id, actor, at, jsonb_build_array(
        jsonb_build_object(
            'event', 'job.execution.started', 'from_status', 'PENDING', 'to_status', 'RUNNING',
            'reason', '', 'records', '{"start_sha256":"' || start_sha256 || '"}')));
    RETURN NEXT started;
END $$;
