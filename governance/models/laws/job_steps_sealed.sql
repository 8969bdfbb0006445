-- JOB-002 and JOB-003: a job's steps are numbered 0..n-1 without gaps and all there when the
-- transaction that made the job commits. As every place is then taken, none can be added later;
-- append_only.sql refuses to change or remove one.
CREATE OR REPLACE FUNCTION governance_job_step_has_place() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    misplaced record;
BEGIN
    SELECT step.step_index, job.total_steps INTO misplaced
      FROM written step JOIN governance_governancejob job ON job.id = step.job_id
     WHERE step.step_index NOT BETWEEN 0 AND job.total_steps - 1
     LIMIT 1;
    IF FOUND THEN
        PERFORM governance_refuse('job_steps_sealed',
            format('A job of %s steps has no step %s.',
                   misplaced.total_steps, misplaced.step_index));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_job_steps_sealed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

DROP TRIGGER IF EXISTS job_step_has_place ON governance_jobstep;
CREATE TRIGGER job_step_has_place AFTER INSERT ON governance_jobstep
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION governance_job_step_has_place();
ALTER TABLE governance_jobstep ENABLE ALWAYS TRIGGER job_step_has_place;

DROP TRIGGER IF EXISTS job_steps_sealed ON governance_governancejob;
CREATE CONSTRAINT TRIGGER job_steps_sealed AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_steps_sealed();
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER job_steps_sealed;
