-- CONTRACT-004, at commit: the verdict a contract shows is the one that was given on its job, by
-- an audit or, where that was INCONCLUSIVE, by the person who resolved it.
CREATE OR REPLACE FUNCTION governance_contract_verdict_backed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    shown text;
    given text;
BEGIN
    SELECT audit_verdict INTO shown FROM governance_systemcontract WHERE id = NEW.id;
    SELECT coalesce(resolution.verdict, audit.verdict) INTO given
      FROM governance_governancejob job
      JOIN governance_governanceaudit audit ON audit.job_id = job.id
      LEFT JOIN governance_auditresolution resolution ON resolution.audit_id = audit.id
     WHERE job.contract_id = NEW.id;
    IF shown <> coalesce(given, 'PENDING') THEN
        PERFORM governance_refuse('contract_verdict_backed',
            format('The contract shows %s, but the verdict on record is %s.',
                   shown, coalesce(given, 'PENDING')));
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS contract_verdict_backed ON governance_systemcontract;
CREATE CONSTRAINT TRIGGER contract_verdict_backed AFTER INSERT OR UPDATE
    ON governance_systemcontract DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_verdict_backed();
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER contract_verdict_backed;
