-- JOB-005: write what was observed of the scopes of a job in one phase. The database guard
-- observation_in_time.sql checks every row.
CREATE OR REPLACE FUNCTION governance_record_observations(
    job uuid, observed_in text, step integer, observations jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO governance_observation
           (job_id, phase, step_index, scope, observer, state, trouble, observed_at)
    SELECT job, observed_in, step, scope, observer, nullif(state, 'null'), trouble, observed_at
      FROM jsonb_to_recordset(observations) AS one (
           scope text, observer text, state jsonb, trouble text, observed_at timestamptz);
END $$;
