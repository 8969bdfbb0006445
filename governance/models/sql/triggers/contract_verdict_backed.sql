-- CONTRACT-004, at commit: the verdict of a contract is the verdict on record: the resolution's, or
-- the audit's if there is none. So no audit or resolution is recorded unless the contract follows
-- it.
CREATE OR REPLACE FUNCTION governance_contract_verdict_backed() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    subject uuid;
    shown text;
    given text;
BEGIN
    IF TG_ARGV[0] = 'contract' THEN
        subject := NEW.id;
    ELSIF TG_ARGV[0] = 'audit' THEN
        SELECT contract_id INTO subject FROM governance_governancejob WHERE id = NEW.job_id;
    ELSE
        SELECT job.contract_id INTO subject
          FROM governance_governanceaudit audit
          JOIN governance_governancejob job ON job.id = audit.job_id
         WHERE audit.id = NEW.audit_id;
    END IF;
    SELECT audit_verdict INTO shown FROM governance_systemcontract WHERE id = subject;
    SELECT coalesce(resolution.verdict, audit.verdict) INTO given
      FROM governance_governancejob job
      JOIN governance_governanceaudit audit ON audit.job_id = job.id
      LEFT JOIN governance_auditresolution resolution ON resolution.audit_id = audit.id
     WHERE job.contract_id = subject;
    IF shown <> coalesce(given, 'PENDING') THEN
        PERFORM governance_refuse('contract_verdict_backed',
            format('The verdict of the contract is %s, but the verdict on record is %s.',
                   shown, coalesce(given, 'PENDING')));
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER contract_verdict_backed AFTER INSERT OR UPDATE OF audit_verdict
    ON governance_systemcontract DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_verdict_backed('contract');

CREATE CONSTRAINT TRIGGER contract_follows_audit AFTER INSERT
    ON governance_governanceaudit DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_verdict_backed('audit');

CREATE CONSTRAINT TRIGGER contract_follows_resolution AFTER INSERT
    ON governance_auditresolution DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_verdict_backed('resolution');
