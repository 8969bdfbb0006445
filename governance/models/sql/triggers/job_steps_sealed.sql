-- JOB-002 and JOB-003: a job's steps are numbered 0..n-1 without gaps and all there when the
-- transaction that made the job commits. A step is written after its job, and beneath its number of
-- steps; as every number is then taken, none can be added later; append_only.sql refuses to change or
-- remove one.
CREATE OR REPLACE FUNCTION governance_job_step_index_in_range() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    steps integer;
BEGIN
    SELECT total_steps INTO steps FROM governance_governancejob WHERE id = NEW.job_id;
    -- A job that another transaction has not committed yet is not seen, and takes no steps from us.
    IF steps IS NULL THEN
        PERFORM governance_refuse('job_steps_sealed', 'A step is written after its job.');
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
            format('The job says %s steps, but %s are there.', NEW.total_steps, present));
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS job_step_index_in_range ON governance_jobstep;
-- Step 0 belongs to every job (`job_has_steps`), and its number is taken once there are all.
CREATE TRIGGER job_step_index_in_range BEFORE INSERT ON governance_jobstep
    FOR EACH ROW WHEN (NEW.step_index > 0) EXECUTE FUNCTION governance_job_step_index_in_range();
ALTER TABLE governance_jobstep ENABLE ALWAYS TRIGGER job_step_index_in_range;

DROP TRIGGER IF EXISTS job_steps_sealed ON governance_governancejob;
CREATE CONSTRAINT TRIGGER job_steps_sealed AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_steps_sealed();
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER job_steps_sealed;
