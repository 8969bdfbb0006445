-- LEDGER, at commit: every signature has its ledger entry, and every such entry has its signature.
-- An entry of an approval from before signatures existed has no `signature_sha256`, and counts for
-- none. (For a new entry ledger_covers_update.sql calls the function.)
CREATE OR REPLACE FUNCTION governance_require_signature_entries(subject uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    signatures integer;
    signature_entries integer;
BEGIN
    SELECT count(*) INTO signatures
      FROM governance_approvalsignature WHERE contract_id = subject;
    SELECT count(*) INTO signature_entries FROM governance_ledgerentry
     WHERE contract_id = subject
       AND (event = 'contract.review.signed'
            OR event = 'contract.review.approved'
               AND body::jsonb -> 'records' ? 'signature_sha256');
    IF signatures <> signature_entries THEN
        PERFORM governance_refuse('ledger_covers_signature',
            format('The contract has %s signatures, but ledger entries of %s.',
                   signatures, signature_entries));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance_ledger_covers_signature() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_signature_entries(NEW.contract_id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_covers_signature AFTER INSERT ON governance_approvalsignature
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_covers_signature();
