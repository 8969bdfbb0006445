-- SCOPE: never two RUNNING jobs with overlapping scopes (running_scopes.sql). A job becomes RUNNING
-- only by an update: job_moves.sql. The start first takes the locks of its scope, so of two starts
-- at once the second waits for the commit of the first, and then sees its job. That needs a snapshot
-- from after the lock: change_freeze_active.sql refuses a start that is not under READ COMMITTED.
-- The scope of a contract does not change once it can have a job: contract_content_frozen.sql.
CREATE OR REPLACE FUNCTION governance_scope_busy() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    scope varchar[];
    other record;
BEGIN
    SELECT affected_capabilities INTO scope
      FROM governance_systemcontract WHERE id = NEW.contract_id;
    PERFORM governance_lock_scope(scope);
    SELECT job, capability INTO other FROM governance_overlapping_job(scope);
    IF FOUND THEN
        PERFORM governance_refuse('scope_busy',
            format('Job %s runs on %s; this job can start once it has ended.',
                   other.job, other.capability),
            jsonb_build_object('capability', other.capability, 'job_id', other.job));
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER scope_busy BEFORE UPDATE OF status ON governance_governancejob
    FOR EACH ROW WHEN (NEW.status = 'RUNNING' AND OLD.status <> 'RUNNING')
    EXECUTE FUNCTION governance_scope_busy();
