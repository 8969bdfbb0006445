-- JOB-002 and JOB-003: a job has the steps 0..n-1, all written in the transaction that creates the
-- job. Each step's index is below the job's number of steps, and is unique; so once all n steps are
-- written, no step can be added. append_only.sql refuses to change or delete a step.
CREATE OR REPLACE FUNCTION governance_job_step_index_in_range() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    steps integer;
BEGIN
    SELECT total_steps INTO steps FROM governance_governancejob WHERE id = NEW.job_id;
    -- A job of another transaction that has not committed is invisible here, so it takes no steps.
    IF steps IS NULL THEN
        PERFORM governance_refuse('job_steps_sealed', 'A step must be written after its job.');
    END IF;
    IF NEW.step_index >= steps THEN
        PERFORM governance_refuse('job_steps_sealed',
            format('A job of %s steps has no step %s.', steps, NEW.step_index));
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_job_steps_sealed() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    present integer;
BEGIN
    SELECT count(*) INTO present FROM governance_jobstep WHERE job_id = NEW.id;
    IF present <> NEW.total_steps THEN
        PERFORM governance_refuse('job_steps_sealed',
            format('The job must have %s steps, but has %s.', NEW.total_steps, present));
    END IF;
    RETURN NULL;
END $$;

-- Step 0 needs no check: every job has a step 0 (`job_has_steps`), and its index is unique.
CREATE TRIGGER job_step_index_in_range BEFORE INSERT ON governance_jobstep
    FOR EACH ROW WHEN (NEW.step_index > 0) EXECUTE FUNCTION governance_job_step_index_in_range();

CREATE CONSTRAINT TRIGGER job_steps_sealed AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_steps_sealed();
