-- SCOPE: never two RUNNING jobs with overlapping scopes (running_scopes.sql). A job becomes RUNNING
-- only by an update: job_moves.sql. The scope of a contract does not change once it can have a job:
-- contract_content_frozen.sql.
CREATE OR REPLACE FUNCTION governance_scope_busy() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_free_scope(affected_capabilities)
       FROM governance_systemcontract WHERE id = NEW.contract_id;
    RETURN NEW;
END $$;

CREATE TRIGGER scope_busy BEFORE UPDATE OF status ON governance_governancejob
    FOR EACH ROW WHEN (NEW.status = 'RUNNING' AND OLD.status <> 'RUNNING')
    EXECUTE FUNCTION governance_scope_busy();
