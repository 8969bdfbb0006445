-- AUDIT: a verdict is on a terminal job and names exactly its sealed evidence; a job that did not
-- complete accepts only FAIL; only an INCONCLUSIVE verdict is resolved. The author of the verdict and
-- the person who resolves it are auditors, and took no part: nobody who proposed, signed or approved
-- the contract, or who activated, started, reported, completed or cancelled its job. A verdict is of
-- now. The auditor of this site is a machine account, which is in no group.
CREATE OR REPLACE FUNCTION governance_took_part(of_job uuid, person bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1
          FROM governance_governancejob job
          JOIN governance_systemcontract contract ON contract.id = job.contract_id
         WHERE job.id = of_job
           AND person IN (contract.proposed_by_id, contract.approved_by_id, job.created_by_id,
                          job.started_by_id, job.ended_by_id)
    ) OR EXISTS (
        SELECT 1 FROM governance_stepresult WHERE job_id = of_job AND recorded_by_id = person
    ) OR EXISTS (
        SELECT 1
          FROM governance_governancejob job
          JOIN governance_systemcontract contract ON contract.id = job.contract_id
          JOIN governance_approvalsignature signature
               ON signature.contract_id IN (
                  contract.id,
                  CASE WHEN contract.approval_kind = 'pre_authorised' THEN contract.rolls_back_id END)
         WHERE job.id = of_job AND signature.founder_id = person
    );
END $$;

CREATE OR REPLACE FUNCTION governance_audit_independent() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    job_status text;
    subject uuid;
    sealed text;
BEGIN
    SELECT job.status, job.contract_id, evidence.sha256 INTO job_status, subject, sealed
      FROM governance_governancejob job
      LEFT JOIN governance_auditevidence evidence ON evidence.job_id = job.id
     WHERE job.id = NEW.job_id;
    IF job_status IS NULL OR job_status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') THEN
        PERFORM governance_refuse('audit_fits_job',
            format('A job that is %s takes no verdict yet.', job_status));
    END IF;
    IF job_status <> 'COMPLETED' AND NEW.verdict <> 'FAIL' THEN
        PERFORM governance_refuse('audit_fits_job',
            format('A job that is %s accepts only FAIL.', job_status));
    END IF;
    IF NEW.evidence_sha256 IS DISTINCT FROM sealed THEN
        PERFORM governance_refuse('audit_names_evidence',
            'The verdict names other evidence than the sealed evidence of the job.');
    END IF;
    PERFORM governance_require_current(NEW.recorded_at, subject);
    IF governance_took_part(NEW.job_id, NEW.author_id) THEN
        PERFORM governance_refuse('audit_independent',
            'A person who took part in a contract cannot give the verdict on it.');
    END IF;
    IF governance_machine_of(NEW.author_id) IS DISTINCT FROM 'auditor' THEN
        PERFORM governance_require_auditor(NEW.author_id);
    ELSE
        PERFORM governance_require_attempts(NEW.job_id, NEW.verdict);
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_resolution_of_inconclusive() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    audit governance_governanceaudit%ROWTYPE;
BEGIN
    SELECT * INTO audit FROM governance_governanceaudit WHERE id = NEW.audit_id;
    IF audit.verdict IS DISTINCT FROM 'INCONCLUSIVE' THEN
        PERFORM governance_refuse('resolution_of_inconclusive',
            format('Only an INCONCLUSIVE verdict can be resolved; this one is %s.', audit.verdict));
    END IF;
    PERFORM governance_require_current(NEW.resolved_at, (
        SELECT contract_id FROM governance_governancejob WHERE id = audit.job_id));
    IF governance_took_part(audit.job_id, NEW.resolved_by_id) THEN
        PERFORM governance_refuse('audit_independent',
            'A person who took part in a contract cannot resolve the verdict on it.');
    END IF;
    PERFORM governance_require_auditor(NEW.resolved_by_id);
    RETURN NEW;
END $$;

CREATE TRIGGER audit_independent BEFORE INSERT ON governance_governanceaudit
    FOR EACH ROW EXECUTE FUNCTION governance_audit_independent();

CREATE TRIGGER resolution_of_inconclusive BEFORE INSERT ON governance_auditresolution
    FOR EACH ROW EXECUTE FUNCTION governance_resolution_of_inconclusive();
