-- LEDGER, at commit: contract and job stand where their last entries say, and every result has its
-- entry. So no status changes and no result appears without the ledger telling it, nor the other
-- way round.
CREATE OR REPLACE FUNCTION governance_ledger_tells_status() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    subject uuid;
    kind text;
    standing text;
    told text;
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
        SELECT status INTO standing FROM governance_systemcontract WHERE id = subject;
    ELSE
        SELECT status INTO standing FROM governance_governancejob WHERE contract_id = subject;
    END IF;
    SELECT to_status INTO told FROM governance_ledgerentry
     WHERE contract_id = subject AND to_status <> '' AND split_part(event, '.', 1) = kind
     ORDER BY seq DESC LIMIT 1;
    IF told IS DISTINCT FROM standing THEN
        PERFORM governance_refuse('ledger_tells_status',
            format('The %s is %s, but the ledger says %s.', kind, standing, told));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_ledger_tells_result() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1
          FROM governance_governancejob job
          JOIN governance_ledgerentry entry ON entry.contract_id = job.contract_id
         WHERE job.id = NEW.job_id AND entry.step_index = NEW.step_index
    ) THEN
        PERFORM governance_refuse('ledger_tells_result',
            format('The result of step %s is not in the ledger.', NEW.step_index));
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS ledger_tells_status ON governance_systemcontract;
CREATE CONSTRAINT TRIGGER ledger_tells_status AFTER INSERT OR UPDATE ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_tells_status();
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER ledger_tells_status;

DROP TRIGGER IF EXISTS ledger_tells_status ON governance_governancejob;
CREATE CONSTRAINT TRIGGER ledger_tells_status AFTER INSERT OR UPDATE OF status
    ON governance_governancejob DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_tells_status();
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER ledger_tells_status;

DROP TRIGGER IF EXISTS ledger_tells_status ON governance_ledgerentry;
CREATE CONSTRAINT TRIGGER ledger_tells_status AFTER INSERT ON governance_ledgerentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.to_status <> '') EXECUTE FUNCTION governance_ledger_tells_status();
ALTER TABLE governance_ledgerentry ENABLE ALWAYS TRIGGER ledger_tells_status;

DROP TRIGGER IF EXISTS ledger_tells_result ON governance_stepresult;
CREATE CONSTRAINT TRIGGER ledger_tells_result AFTER INSERT ON governance_stepresult
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_tells_result();
ALTER TABLE governance_stepresult ENABLE ALWAYS TRIGGER ledger_tells_result;
