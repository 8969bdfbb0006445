-- CONTRACT-003 and JOB-001, at commit: an ACTIVE or COMPLETED contract has a job (a unique key
-- keeps it to one), and a job's contract is ACTIVE, COMPLETED or FAILED. Such a contract fails only
-- by the verdict on its job: so no job runs on without an active contract, and no job is created
-- for a contract that failed before its activation.
CREATE OR REPLACE FUNCTION governance_contract_has_one_job() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    has_job boolean := EXISTS (
        SELECT FROM governance_governancejob WHERE contract_id = NEW.id);
BEGIN
    -- No move leads back, so the new status alone decides.
    IF NEW.status IN ('ACTIVE', 'COMPLETED') AND NOT has_job THEN
        PERFORM governance_refuse('contract_has_one_job',
            format('A contract that is %s needs exactly one job; this one has none.', NEW.status));
    END IF;
    IF NEW.status = 'FAILED' AND has_job AND NEW.audit_verdict <> 'FAIL' THEN
        PERFORM governance_refuse('job_belongs_to_active_contract',
            'A contract that has a job fails only by the verdict on that job.');
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_job_belongs_to_active_contract() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    contract record;
BEGIN
    SELECT status, audit_verdict INTO contract
      FROM governance_systemcontract WHERE id = NEW.contract_id;
    IF contract.status NOT IN ('ACTIVE', 'COMPLETED', 'FAILED') THEN
        PERFORM governance_refuse('job_belongs_to_active_contract',
            format('A contract that is %s cannot have a job.', contract.status));
    END IF;
    IF contract.status = 'FAILED' AND contract.audit_verdict <> 'FAIL' THEN
        PERFORM governance_refuse('job_belongs_to_active_contract',
            'A contract that failed before its activation cannot have a job.');
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER contract_has_one_job
    AFTER INSERT OR UPDATE OF status ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_has_one_job();

CREATE CONSTRAINT TRIGGER job_belongs_to_active_contract AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_belongs_to_active_contract();
