-- JOB-002 and lease: write the report of the step that is due in one call: the result, the job's
-- cursor and lease, and the ledger entry. If the step is not due, the token is another or the lease
-- expired, the function writes nothing and returns no row; authorities/orchestrator/tracking.py
-- then finds the reason. The database guards check every row.
CREATE OR REPLACE FUNCTION governance_report_step(
    job uuid, executor bigint, actor text, token_sha256 text, due integer, outcome text,
    started timestamptz, completed timestamptz, output jsonb, error text, health_after jsonb,
    at timestamptz, grace interval, to_end interval, result_sha256 text
) RETURNS TABLE (result bigint, lease timestamptz)
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    subject uuid;
    seen record;
BEGIN
    SELECT contract.id INTO subject
      FROM governance_systemcontract contract
      JOIN governance_governancejob known ON known.contract_id = contract.id
     WHERE known.id = job FOR UPDATE OF contract;
    SELECT head.seq, head.hash, known.deadline_at,
           (SELECT status FROM governance_stepresult
             WHERE job_id = job AND step_index = known.current_step_index - 1) AS last,
           (SELECT timeout_seconds FROM governance_jobstep
             WHERE job_id = job AND step_index = known.current_step_index + 1) AS next_timeout
      INTO seen
      FROM governance_governancejob known
     -- The LIMIT reads only the last entry of a chain that may be long.
     CROSS JOIN LATERAL (
           SELECT seq, hash FROM governance_ledgerentry
            WHERE contract_id = known.contract_id ORDER BY seq DESC LIMIT 1) AS head
     WHERE known.id = job AND known.status = 'RUNNING' AND known.started_by_id = executor
       AND known.execution_token_sha256 = token_sha256 AND known.current_step_index = due
       AND due < known.total_steps AND governance_report_step.at <= known.lease_expires_at;
    IF NOT FOUND OR seen.last = 'FAILED' THEN
        RETURN;
    END IF;
    lease := least(seen.deadline_at, at + CASE
        WHEN outcome = 'FAILED' OR seen.next_timeout IS NULL THEN to_end
        ELSE seen.next_timeout * interval '1 second' + grace END);
    INSERT INTO governance_stepresult AS kept
           (job_id, step_index, status, started_at, completed_at, output, error, health_after,
            recorded_at, recorded_by_id)
    VALUES (job, due, outcome, started, completed, output, error, health_after, at, executor)
    RETURNING kept.id INTO result;
    UPDATE governance_governancejob
       SET current_step_index = due + 1, lease_expires_at = lease,
           updated_at = greatest(updated_at, at)
     WHERE id = job;
    PERFORM governance_append_new_entry(
        subject, seen.seq, seen.hash, at, actor, 'job.step.' || lower(outcome), '', '', error, due,
        '{"step_result_sha256":"' || result_sha256 || '"}');
    RETURN NEXT;
END $$;
