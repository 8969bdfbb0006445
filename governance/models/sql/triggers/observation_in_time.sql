-- JOB-005: an observation BEFORE is written after the start of a job and before its first result, one
-- of a STEP after the result of that step, and one AFTER before the job ends. A job that does not run
-- takes no observation, and its observations are append-only.
CREATE OR REPLACE FUNCTION governance_observation_in_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    job record;
BEGIN
    SELECT status, current_step_index, started_at INTO job
      FROM governance_governancejob WHERE id = NEW.job_id FOR SHARE;
    IF job.status IS DISTINCT FROM 'RUNNING'
       OR (NEW.phase = 'BEFORE' AND job.current_step_index > 0)
       OR (NEW.phase = 'STEP' AND NEW.step_index >= job.current_step_index) THEN
        PERFORM governance_refuse('observation_in_time',
            format('A job that is %s, with %s results, takes no observation %s.',
                   job.status, job.current_step_index, NEW.phase));
    END IF;
    IF NEW.observed_at < job.started_at THEN
        PERFORM governance_refuse('observation_in_time',
            'The observation is older than the start of the job.');
    END IF;
    PERFORM governance_require_current(NEW.observed_at);
    RETURN NEW;
END $$;

CREATE TRIGGER observation_in_time BEFORE INSERT ON governance_observation
    FOR EACH ROW EXECUTE FUNCTION governance_observation_in_time();

CREATE TRIGGER observation_append_only BEFORE UPDATE OR DELETE ON governance_observation
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('observation_append_only', 'observation');
CREATE TRIGGER observation_append_only_truncate BEFORE TRUNCATE ON governance_observation
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('observation_append_only', 'observation');
