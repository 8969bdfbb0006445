-- JOB-002 and JOB-004: a result is for the step that is due, of a job that is RUNNING and in which
-- no step has failed, and was recorded within the job's lease; at commit the job's cursor counts its results, and a job is COMPLETED only
-- when every step is.
CREATE OR REPLACE FUNCTION governance_step_result_due() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    job governance_governancejob%ROWTYPE;
BEGIN
    SELECT * INTO job FROM governance_governancejob WHERE id = NEW.job_id;
    IF job.status IS DISTINCT FROM 'RUNNING' THEN
        PERFORM governance_refuse('step_result_needs_running_job',
            format('A job that is %s takes no results.', job.status));
    END IF;
    IF NEW.step_index <> job.current_step_index OR NEW.step_index >= job.total_steps THEN
        PERFORM governance_refuse('step_results_in_order',
            format('Step %s is due, not %s.', job.current_step_index, NEW.step_index));
    END IF;
    IF EXISTS (SELECT 1 FROM governance_stepresult
                WHERE job_id = NEW.job_id AND step_index = NEW.step_index - 1
                  AND status = 'FAILED') THEN
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

CREATE OR REPLACE FUNCTION governance_job_agrees_with_results() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    subject uuid;
    job governance_governancejob%ROWTYPE;
    counted integer;
BEGIN
    IF TG_TABLE_NAME = 'governance_stepresult' THEN
        subject := NEW.job_id;
    ELSE
        subject := NEW.id;
    END IF;
    SELECT * INTO job FROM governance_governancejob WHERE id = subject;
    -- Results have no gaps, so the last one tells how many there are, at the same cost for each.
    SELECT coalesce(max(step_index) + 1, 0) INTO counted
      FROM governance_stepresult WHERE job_id = subject;
    IF counted <> job.current_step_index THEN
        PERFORM governance_refuse('job_agrees_with_results',
            format('The job''s cursor is %s, but %s results are there.',
                   job.current_step_index, counted));
    END IF;
    IF job.status = 'COMPLETED' AND (counted <> job.total_steps OR EXISTS (
        SELECT 1 FROM governance_stepresult WHERE job_id = subject AND status <> 'COMPLETED')) THEN
        PERFORM governance_refuse('job_agrees_with_results',
            'A job is COMPLETED only when every step is.');
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS step_results_in_order ON governance_stepresult;
CREATE TRIGGER step_results_in_order BEFORE INSERT ON governance_stepresult
    FOR EACH ROW EXECUTE FUNCTION governance_step_result_due();
ALTER TABLE governance_stepresult ENABLE ALWAYS TRIGGER step_results_in_order;

DROP TRIGGER IF EXISTS result_agrees_with_job ON governance_stepresult;
CREATE CONSTRAINT TRIGGER result_agrees_with_job AFTER INSERT ON governance_stepresult
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_agrees_with_results();
ALTER TABLE governance_stepresult ENABLE ALWAYS TRIGGER result_agrees_with_job;

DROP TRIGGER IF EXISTS job_agrees_with_results ON governance_governancejob;
CREATE CONSTRAINT TRIGGER job_agrees_with_results AFTER UPDATE ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_agrees_with_results();
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER job_agrees_with_results;
