-- EXEC: who runs a job is decided at its activation. A job that runs by itself is started by the
-- executor's own account and by nobody else, and that account starts no other job. The account of an
-- authority ends a job only as its authority does: the executor what it started, and the scheduler a
-- job whose lease is over.
CREATE OR REPLACE FUNCTION governance_job_runner() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    machine text;
BEGIN
    IF NEW.run_by <> OLD.run_by THEN
        PERFORM governance_refuse('job_run_by_fixed', 'Who runs a job does not change.');
    END IF;
    IF NEW.started_by_id IS DISTINCT FROM OLD.started_by_id THEN
        machine := governance_machine_of(NEW.started_by_id);
        IF NEW.run_by = 'worker' AND machine IS DISTINCT FROM 'executor' THEN
            PERFORM governance_refuse('job_started_by_its_runner',
                'This job runs by itself: a worker starts it, and nobody else.');
        ELSIF NEW.run_by <> 'worker' AND machine IS NOT NULL THEN
            PERFORM governance_refuse('job_started_by_its_runner',
                'This job is left to executors over HTTP: no worker starts it.');
        END IF;
    END IF;
    IF NEW.ended_by_id IS DISTINCT FROM OLD.ended_by_id THEN
        machine := governance_machine_of(NEW.ended_by_id);
        IF machine IS NOT NULL
           AND NOT (machine = 'executor' AND NEW.ended_by_id = NEW.started_by_id
                    AND NEW.status IN ('COMPLETED', 'FAILED'))
           AND NOT (machine = 'scheduler' AND NEW.status = 'FAILED'
                    AND NEW.ended_at > OLD.lease_expires_at) THEN
            PERFORM governance_refuse('job_ended_by_its_authority',
                format('The account of the %s does not end this job.', machine));
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- ROLLBACK: a job says whether its contract is a rollback, because health holds no rollback back.
CREATE OR REPLACE FUNCTION governance_job_is_rollback() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NEW.is_rollback <> (
        SELECT rolls_back_id IS NOT NULL FROM governance_systemcontract WHERE id = NEW.contract_id)
    THEN
        PERFORM governance_refuse('job_is_rollback',
            'A job is a rollback exactly if its contract is one.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER job_is_rollback BEFORE INSERT OR UPDATE OF is_rollback ON governance_governancejob
    FOR EACH ROW EXECUTE FUNCTION governance_job_is_rollback();

CREATE TRIGGER job_runner BEFORE UPDATE OF run_by, started_by_id, ended_by_id
    ON governance_governancejob
    FOR EACH ROW EXECUTE FUNCTION governance_job_runner();
