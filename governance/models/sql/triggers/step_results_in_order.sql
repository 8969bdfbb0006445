-- JOB-002 and JOB-004: a result is for the step that is due, of a job that is RUNNING and in which
-- no step has failed, and was recorded within the job's lease; at commit the job's cursor counts its
-- results, and a job is COMPLETED only when every step is.
CREATE OR REPLACE FUNCTION governance_step_result_due() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    job record;
BEGIN
    SELECT status, current_step_index, total_steps, lease_expires_at,
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
        PERFORM governance_refuse('step_results_in_order', 'No step runs after one that failed.');
    END IF;
    -- The cursor still points at this step, so this is the lease that it was given.
    IF NEW.recorded_at > job.lease_expires_at THEN
        PERFORM governance_refuse('step_result_in_lease',
            format('The lease lapsed at %s; no result is taken after that.',
                   job.lease_expires_at));
    END IF;
    RETURN NEW;
END $$;

-- A cursor moves step by step and never back, so each move is judged by where it went; that it
-- moves at all when a result is written, ledger_covers_results.sql sees to.
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
            format('The job''s cursor is %s, but the result before it is not there.',
                   NEW.current_step_index));
    END IF;
    -- No step runs after one that failed: the last result speaks for all.
    IF NEW.status = 'COMPLETED'
       AND (NEW.current_step_index <> NEW.total_steps OR last_status <> 'COMPLETED') THEN
        PERFORM governance_refuse('job_agrees_with_results',
            'A job is COMPLETED only when every step is.');
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS step_results_in_order ON governance_stepresult;
CREATE TRIGGER step_results_in_order BEFORE INSERT ON governance_stepresult
    FOR EACH ROW EXECUTE FUNCTION governance_step_result_due();
ALTER TABLE governance_stepresult ENABLE ALWAYS TRIGGER step_results_in_order;

DROP TRIGGER IF EXISTS job_agrees_with_results ON governance_governancejob;
-- A job that is COMPLETED has an end (`job_ended_means_terminal`).
CREATE CONSTRAINT TRIGGER job_agrees_with_results
    AFTER UPDATE OF current_step_index, ended_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_agrees_with_results();
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER job_agrees_with_results;
