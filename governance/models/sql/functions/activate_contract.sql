-- JOB-001: write an activation in one call: the job, its steps from the contract's frozen plan, the
-- health snapshot before (a rollback is activated without one too), the contract's move to ACTIVE,
-- the ledger entries, and for a job that runs by itself the task of a worker. The function checks
-- only the chain's head, and that no change freeze is active (change_freeze_active.sql checks that
-- again at the commit); the database guards check every row that it writes.
CREATE OR REPLACE FUNCTION governance_activate_contract(
    contract uuid, head integer, job uuid, minutes integer, account bigint, actor text,
    at timestamptz, reading jsonb, observed timestamptz, entries jsonb, runner text,
    name_keys jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    steps jsonb;
    undoes boolean;
BEGIN
    PERFORM governance_refuse_active_freeze(at);
    PERFORM governance_lock_chain(contract, head);
    SELECT plan, rolls_back_id IS NOT NULL INTO steps, undoes
      FROM governance_systemcontract WHERE id = contract;
    INSERT INTO governance_governancejob
           (id, contract_id, status, total_steps, current_step_index, timeout_minutes,
            run_by, is_rollback, created_at, updated_at, created_by_id, end_reason)
    VALUES (job, contract, 'PENDING', jsonb_array_length(steps), 0, minutes, runner, undoes,
            at, at, account, '');
    INSERT INTO governance_jobstep
           (job_id, step_index, step_type, target, change, timeout_seconds, rollback_action,
            name_keys)
    SELECT job, step_index, step_type, target, change, timeout_seconds, rollback_action,
           nullif(governance_activate_contract.name_keys -> step_index, 'null')
      FROM jsonb_to_recordset(steps) AS step (
           step_index integer, step_type text, target text, change jsonb,
           timeout_seconds integer, rollback_action jsonb)
     ORDER BY step_index;
    IF reading IS NOT NULL THEN
        INSERT INTO governance_healthsnapshot (job_id, phase, reading, observed_at)
        VALUES (job, 'BEFORE', reading, observed);
    END IF;
    UPDATE governance_systemcontract
       SET status = 'ACTIVE', updated_at = at
     WHERE id = contract;
    PERFORM governance_append_entries(contract, actor, at, entries);
    IF runner = 'worker' THEN
        PERFORM governance_enqueue_run(job);
    END IF;
END $$;
