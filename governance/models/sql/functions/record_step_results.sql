-- JOB-002 and lease: write the results of consecutive steps in one call, and after each move the
-- job's cursor and renew its lease. Return the id of each result and the lease after it, in order.
-- The database guards check every row.
CREATE OR REPLACE FUNCTION governance_record_step_results(
    contract uuid, head integer, job uuid, actor text, at timestamptz, grace interval,
    completion_grace interval, results jsonb, entries jsonb
) RETURNS TABLE (result_id bigint, lease timestamptz)
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    result governance_stepresult%ROWTYPE;
BEGIN
    PERFORM governance_lock_chain(contract, head);
    FOR result IN
        SELECT * FROM jsonb_populate_recordset(NULL::governance_stepresult, results)
         ORDER BY step_index
    LOOP
        INSERT INTO governance_stepresult
               (job_id, step_index, status, started_at, completed_at, output, error,
                health_after, recorded_at, recorded_by_id)
        VALUES (job, result.step_index, result.status, result.started_at,
                result.completed_at, result.output, result.error, result.health_after,
                at, result.recorded_by_id)
        RETURNING id INTO result_id;
        UPDATE governance_governancejob running
           SET current_step_index = result.step_index + 1, updated_at = at,
               lease_expires_at = governance_lease_end(
                   job, CASE WHEN result.status = 'COMPLETED' THEN result.step_index + 1 END,
                   at, running.deadline_at, grace, completion_grace)
         WHERE running.id = job
        RETURNING running.lease_expires_at INTO lease;
        RETURN NEXT;
    END LOOP;
    PERFORM governance_append_entries(contract, actor, at, entries);
END $$;
