-- LEDGER: the `updated_at` of a contract or a job is the time of the latest entry about it. It never
-- goes back; at commit no entry about the row is later, and there is one of exactly that time. So
-- nobody changes a row without saying when, and the ledger says the same.
CREATE OR REPLACE FUNCTION governance_updated_forward() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.updated_at < OLD.updated_at THEN
        PERFORM governance_refuse('ledger_tells_update',
            format('What changed at %s did not change before that.', OLD.updated_at));
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_ledger_tells_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    subject uuid;
    kind text;
    shown timestamptz;
    is_told boolean;
BEGIN
    IF TG_TABLE_NAME = 'governance_ledgerentry' THEN
        subject := NEW.contract_id;
        kind := split_part(NEW.event, '.', 1);
    ELSIF TG_TABLE_NAME = 'governance_systemcontract' THEN
        subject := NEW.id;
        kind := 'contract';
    ELSE
        subject := NEW.contract_id;
        kind := 'job';
    END IF;
    IF kind = 'contract' THEN
        SELECT updated_at INTO shown FROM governance_systemcontract WHERE id = subject;
    ELSE
        SELECT updated_at INTO shown FROM governance_governancejob WHERE contract_id = subject;
    END IF;
    IF TG_TABLE_NAME = 'governance_ledgerentry' THEN
        is_told := NEW.at <= shown;  -- null where there is no such row
    ELSE
        -- From the end of the chain: there it stands, unless clocks differed.
        SELECT true INTO is_told FROM governance_ledgerentry
         WHERE contract_id = subject AND at = shown AND split_part(event, '.', 1) = kind
         ORDER BY seq DESC LIMIT 1;
        is_told := coalesce(is_told, false);
    END IF;
    IF NOT is_told THEN
        PERFORM governance_refuse('ledger_tells_update',
            format('The %s is shown to have changed at %s; the ledger does not say so.',
                   kind, shown));
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS updated_forward ON governance_systemcontract;
CREATE TRIGGER updated_forward BEFORE UPDATE OF updated_at ON governance_systemcontract
    FOR EACH ROW EXECUTE FUNCTION governance_updated_forward();
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER updated_forward;

DROP TRIGGER IF EXISTS updated_forward ON governance_governancejob;
CREATE TRIGGER updated_forward BEFORE UPDATE OF updated_at ON governance_governancejob
    FOR EACH ROW EXECUTE FUNCTION governance_updated_forward();
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER updated_forward;

DROP TRIGGER IF EXISTS ledger_tells_update ON governance_systemcontract;
CREATE CONSTRAINT TRIGGER ledger_tells_update AFTER INSERT OR UPDATE OF updated_at
    ON governance_systemcontract DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_tells_update();
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER ledger_tells_update;

DROP TRIGGER IF EXISTS ledger_tells_update ON governance_governancejob;
CREATE CONSTRAINT TRIGGER ledger_tells_update AFTER INSERT OR UPDATE OF updated_at
    ON governance_governancejob DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_tells_update();
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER ledger_tells_update;

DROP TRIGGER IF EXISTS ledger_tells_update ON governance_ledgerentry;
CREATE CONSTRAINT TRIGGER ledger_tells_update AFTER INSERT ON governance_ledgerentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_tells_update();
ALTER TABLE governance_ledgerentry ENABLE ALWAYS TRIGGER ledger_tells_update;
