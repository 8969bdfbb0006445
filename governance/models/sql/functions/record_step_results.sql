-- JOB-002: write several step results in one call, and move the job's cursor after each, so that
-- each result is of the step that is due. Return the ids of the results, in order. The database
-- guards check every row.
CREATE OR REPLACE FUNCTION governance_record_step_results(
    subject uuid, head integer, job uuid, results jsonb, lease timestamptz, entries jsonb
) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    result governance_stepresult%ROWTYPE;
    written bigint;
BEGIN
    PERFORM governance_lock_chain(subject, head);
    FOR result IN
        SELECT * FROM jsonb_populate_recordset(NULL::governance_stepresult, results)
         ORDER BY step_index
    LOOP
        INSERT INTO governance_stepresult
               (job_id, step_index, status, started_at, completed_at, output, error,
                health_after, recorded_at, recorded_by_id)
        VALUES (job, result.step_index, result.status, result.started_at,
                result.completed_at, result.output, result.error, result.health_after,
                result.recorded_at, result.recorded_by_id)
        RETURNING id INTO written;
        RETURN NEXT written;
        UPDATE governance_governancejob
           SET current_step_index = current_step_index + 1, lease_expires_at = lease,
               updated_at = greatest(updated_at, result.recorded_at)
         WHERE id = job;
    END LOOP;
    PERFORM governance_append_entries(entries);
END $$;
