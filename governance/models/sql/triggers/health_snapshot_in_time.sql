-- JOB-005: the health snapshot BEFORE is written while the job is PENDING, the one AFTER before the
-- job ends. A terminal job takes no snapshot.
CREATE OR REPLACE FUNCTION governance_health_snapshot_in_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    job_status text;
BEGIN
    SELECT status INTO job_status FROM governance_governancejob WHERE id = NEW.job_id;
    IF job_status IN ('COMPLETED', 'FAILED', 'CANCELLED')
       OR (NEW.phase = 'BEFORE' AND job_status <> 'PENDING') THEN
        PERFORM governance_refuse('health_snapshot_in_time',
            format('A job that is %s takes no health snapshot %s.', job_status, NEW.phase));
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER health_snapshot_in_time BEFORE INSERT ON governance_healthsnapshot
    FOR EACH ROW EXECUTE FUNCTION governance_health_snapshot_in_time();
