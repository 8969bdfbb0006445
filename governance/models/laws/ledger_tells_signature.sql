-- LEDGER, at commit: every signature has its entry, and every such entry its signature. Of entries
-- that tell an approval, those written before there were signatures vouch for none.
CREATE OR REPLACE FUNCTION governance_ledger_tells_signature() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    signatures integer;
    told integer;
BEGIN
    SELECT count(*) INTO signatures
      FROM governance_approvalsignature WHERE contract_id = NEW.contract_id;
    SELECT count(*) INTO told FROM governance_ledgerentry
     WHERE contract_id = NEW.contract_id
       AND (event = 'contract.review.signed'
            OR event = 'contract.review.approved'
               AND body::jsonb -> 'records' ? 'signature_sha256');
    IF signatures <> told THEN
        PERFORM governance_refuse('ledger_tells_signature',
            format('%s signatures are there; the ledger tells %s.', signatures, told));
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS ledger_tells_signature ON governance_approvalsignature;
CREATE CONSTRAINT TRIGGER ledger_tells_signature AFTER INSERT ON governance_approvalsignature
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_tells_signature();
ALTER TABLE governance_approvalsignature ENABLE ALWAYS TRIGGER ledger_tells_signature;

DROP TRIGGER IF EXISTS ledger_tells_signature ON governance_ledgerentry;
CREATE CONSTRAINT TRIGGER ledger_tells_signature AFTER INSERT ON governance_ledgerentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.event IN ('contract.review.signed', 'contract.review.approved'))
    EXECUTE FUNCTION governance_ledger_tells_signature();
ALTER TABLE governance_ledgerentry ENABLE ALWAYS TRIGGER ledger_tells_signature;
