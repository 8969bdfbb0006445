-- LEDGER, at commit: the status of a contract or job is the one of its last ledger entry, and its
-- `updated_at` is the time of its latest entry: one entry has exactly that time, and none is later.
-- `updated_at` never goes back. So no row moves or changes without a ledger entry, and no entry is
-- appended without the change of its row.
CREATE OR REPLACE FUNCTION governance_updated_at_monotonic() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NEW.updated_at < OLD.updated_at THEN
        PERFORM governance_refuse('ledger_covers_update',
            format('updated_at is %s, and cannot become earlier.', OLD.updated_at));
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_refuse_status_mismatch(
    kind text, row_status text, ledger_status text
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_refuse('ledger_covers_status',
        format('The %s is %s, but the ledger says %s.', kind, row_status, ledger_status));
END $$;

CREATE OR REPLACE FUNCTION governance_refuse_time_mismatch(
    kind text, shown timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_refuse('ledger_covers_update',
        format('updated_at of the %s is %s, which is not the time of its latest ledger entry.',
               kind, shown));
END $$;

-- One query reads the row at the commit and the last entry of its chain.
CREATE OR REPLACE FUNCTION governance_ledger_covers_contract() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    seen record;
BEGIN
    SELECT row.status, row.updated_at, last.to_status AS ledger_status, last.at INTO seen
      FROM governance_systemcontract row
      LEFT JOIN LATERAL (
           SELECT to_status, at FROM governance_ledgerentry
            WHERE contract_id = NEW.id AND event LIKE 'contract.%'
            ORDER BY seq DESC LIMIT 1) AS last ON true
     WHERE row.id = NEW.id;
    -- Usually the last entry has both the status and the time; otherwise search the earlier
    -- entries.
    IF (TG_OP = 'INSERT' OR NEW.status IS DISTINCT FROM OLD.status)
       AND seen.ledger_status IS DISTINCT FROM seen.status THEN
        SELECT to_status INTO seen.ledger_status FROM governance_ledgerentry
         WHERE contract_id = NEW.id AND to_status <> '' AND event LIKE 'contract.%'
         ORDER BY seq DESC LIMIT 1;
        IF seen.ledger_status IS DISTINCT FROM seen.status THEN
            PERFORM governance_refuse_status_mismatch('contract', seen.status, seen.ledger_status);
        END IF;
    END IF;
    IF seen.at IS DISTINCT FROM seen.updated_at AND NOT EXISTS (
        SELECT FROM governance_ledgerentry
         WHERE contract_id = NEW.id AND at = seen.updated_at AND event LIKE 'contract.%') THEN
        PERFORM governance_refuse_time_mismatch('contract', seen.updated_at);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_ledger_covers_job() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    seen record;
BEGIN
    SELECT row.status, row.updated_at, last.to_status AS ledger_status, last.at INTO seen
      FROM governance_governancejob row
      LEFT JOIN LATERAL (
           SELECT to_status, at FROM governance_ledgerentry
            WHERE contract_id = NEW.contract_id AND event LIKE 'job.%'
            ORDER BY seq DESC LIMIT 1) AS last ON true
     WHERE row.id = NEW.id;
    -- Usually the last entry has both the status and the time; otherwise search the earlier
    -- entries.
    IF (TG_OP = 'INSERT' OR NEW.status IS DISTINCT FROM OLD.status)
       AND seen.ledger_status IS DISTINCT FROM seen.status THEN
        SELECT to_status INTO seen.ledger_status FROM governance_ledgerentry
         WHERE contract_id = NEW.contract_id AND to_status <> '' AND event LIKE 'job.%'
         ORDER BY seq DESC LIMIT 1;
        IF seen.ledger_status IS DISTINCT FROM seen.status THEN
            PERFORM governance_refuse_status_mismatch('job', seen.status, seen.ledger_status);
        END IF;
    END IF;
    IF seen.at IS DISTINCT FROM seen.updated_at AND NOT EXISTS (
        SELECT FROM governance_ledgerentry
         WHERE contract_id = NEW.contract_id AND at = seen.updated_at AND event LIKE 'job.%') THEN
        PERFORM governance_refuse_time_mismatch('job', seen.updated_at);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_ledger_entry_matches_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    kind text := split_part(NEW.event, '.', 1);
    row_status text;
    shown timestamptz;
    ledger_status text;
BEGIN
    -- The rows that belong to an entry of a review are checked here, because separate triggers
    -- would also run for each entry of a job.
    IF kind = 'contract' THEN
        CASE NEW.event
            WHEN 'contract.review.superseded' THEN
                PERFORM governance_require_successor(NEW.contract_id);
            WHEN 'contract.review.signed', 'contract.review.approved' THEN
                PERFORM governance_require_signature_entries(NEW.contract_id);
            WHEN 'contract.audit.attempted' THEN
                PERFORM governance_require_attempt_entries(NEW.contract_id);
            WHEN 'contract.review.clarification_requested', 'contract.review.clarified' THEN
                PERFORM governance_require_clarification_entries(NEW.contract_id);
            ELSE
                NULL;
        END CASE;
        SELECT status, updated_at INTO row_status, shown
          FROM governance_systemcontract WHERE id = NEW.contract_id;
    ELSE
        SELECT status, updated_at INTO row_status, shown
          FROM governance_governancejob WHERE contract_id = NEW.contract_id;
    END IF;
    -- The triggers on the rows find a move without an entry; this finds an entry without its move.
    IF NEW.to_status <> '' AND NEW.to_status IS DISTINCT FROM row_status THEN
        SELECT to_status INTO ledger_status FROM governance_ledgerentry
         WHERE contract_id = NEW.contract_id AND to_status <> ''
           AND split_part(event, '.', 1) = kind
         ORDER BY seq DESC LIMIT 1;
        IF ledger_status IS DISTINCT FROM row_status THEN
            PERFORM governance_refuse_status_mismatch(kind, row_status, ledger_status);
        END IF;
    END IF;
    IF NEW.at > shown THEN -- null, and so not true, if there is no such row
        PERFORM governance_refuse_time_mismatch(kind, shown);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER updated_at_monotonic BEFORE UPDATE OF updated_at ON governance_systemcontract
    FOR EACH ROW EXECUTE FUNCTION governance_updated_at_monotonic();

CREATE TRIGGER updated_at_monotonic BEFORE UPDATE OF updated_at ON governance_governancejob
    FOR EACH ROW EXECUTE FUNCTION governance_updated_at_monotonic();

CREATE CONSTRAINT TRIGGER ledger_covers_update AFTER INSERT OR UPDATE OF status, updated_at
    ON governance_systemcontract DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_covers_contract();

CREATE CONSTRAINT TRIGGER ledger_covers_update AFTER INSERT OR UPDATE OF status, updated_at
    ON governance_governancejob DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_covers_job();

CREATE CONSTRAINT TRIGGER ledger_covers_update AFTER INSERT ON governance_ledgerentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_entry_matches_row();
