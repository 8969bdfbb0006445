-- JOB-002, JOB-004 and lease: a result is for the step that is due, in a RUNNING job without a
-- failed step, and is recorded within the job's lease, now. The times that its executor reports lie
-- between the job's start and now, give or take 30 seconds. At commit: the job's cursor counts its
-- results, and a COMPLETED job has a COMPLETED result for every step.
CREATE OR REPLACE FUNCTION governance_step_result_due() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    job record;
BEGIN
    SELECT contract_id, status, current_step_index, total_steps, started_at, lease_expires_at,
           (SELECT status FROM governance_stepresult
             WHERE job_id = NEW.job_id AND step_index = NEW.step_index - 1) AS last_status
      INTO job
      FROM governance_governancejob WHERE id = NEW.job_id;
    IF job.status IS DISTINCT FROM 'RUNNING' THEN
        PERFORM governance_refuse('step_result_needs_running_job',
            format('A job that is %s takes no results.', job.status));
    END IF;
    IF NEW.step_index <> job.current_step_index OR NEW.step_index >= job.total_steps THEN
        PERFORM governance_refuse('step_results_in_order',
            format('Step %s is due, not %s.', job.current_step_index, NEW.step_index));
    END IF;
    IF job.last_status = 'FAILED' THEN
        PERFORM governance_refuse('step_results_in_order', 'No step runs after a failed step.');
    END IF;
    -- The cursor still points at this step, so this is the lease of this step.
    IF NEW.recorded_at > job.lease_expires_at THEN
        PERFORM governance_refuse('step_result_in_lease',
            format('The lease expired at %s; no result is recorded after that.',
                   job.lease_expires_at));
    END IF;
    PERFORM governance_require_current(NEW.recorded_at, job.contract_id);
    IF NEW.started_at < job.started_at - interval '30 seconds'
       OR NEW.completed_at > NEW.recorded_at + interval '30 seconds' THEN
        PERFORM governance_refuse('step_result_within_job',
            'A step runs after the start of its job, and before its result is recorded.');
    END IF;
    RETURN NEW;
END $$;

-- The cursor moves forward by one step at a time (job_moves.sql), so the result before the new
-- cursor decides. ledger_covers_results.sql checks that a new result moves the cursor.
CREATE OR REPLACE FUNCTION governance_job_agrees_with_results() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    last_status text;
BEGIN
    IF NEW.current_step_index = OLD.current_step_index AND NEW.status <> 'COMPLETED' THEN
        RETURN NULL;
    END IF;
    SELECT status INTO last_status FROM governance_stepresult
     WHERE job_id = NEW.id AND step_index = NEW.current_step_index - 1;
    IF last_status IS NULL THEN
        PERFORM governance_refuse('job_agrees_with_results',
            format('The cursor of the job is %s, but the step before it has no result.',
                   NEW.current_step_index));
    END IF;
    -- No step runs after a failed one, so the last result decides.
    IF NEW.status = 'COMPLETED'
       AND (NEW.current_step_index <> NEW.total_steps OR last_status <> 'COMPLETED') THEN
        PERFORM governance_refuse('job_agrees_with_results',
            'A job can be COMPLETED only when every step is COMPLETED.');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER step_results_in_order BEFORE INSERT ON governance_stepresult
    FOR EACH ROW EXECUTE FUNCTION governance_step_result_due();

-- The move to COMPLETED sets ended_at (`job_ended_means_terminal`).
CREATE CONSTRAINT TRIGGER job_agrees_with_results
    AFTER UPDATE OF current_step_index, ended_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_agrees_with_results();
