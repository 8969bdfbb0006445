-- LEDGER: an entry links to the entry before it in its contract's chain, its hash is the SHA-256 of
-- the previous hash and its body, and its body equals its columns. An entry with a status is one
-- valid move that begins where the last one ended: a contract's moves begin with DRAFT, a job's
-- with PENDING, and no move is missing. Only entries of steps, of an INCONCLUSIVE verdict, of an
-- attempt of the audit, of questions and answers, and of a signature that is not the last have no status. The time of a chain
-- never runs backwards, and a new entry is of now.
CREATE OR REPLACE FUNCTION governance_ledger_chain() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    last record;
    kind text := split_part(NEW.event, '.', 1);
    body_json jsonb := NEW.body::jsonb;
    current_status text;
BEGIN
    SELECT seq, hash, at, to_status, split_part(event, '.', 1) AS kind INTO last
      FROM governance_ledgerentry
     WHERE contract_id = NEW.contract_id ORDER BY seq DESC LIMIT 1;
    IF NEW.seq <> coalesce(last.seq, 0) + 1 THEN
        PERFORM governance_refuse('ledger_chain',
            format('The next entry must have the number %s, not %s.',
                   coalesce(last.seq, 0) + 1, NEW.seq));
    END IF;
    IF NEW.prev_hash <> coalesce(last.hash, decode(repeat('00', 32), 'hex')) THEN
        PERFORM governance_refuse('ledger_chain', 'The entry does not link to the one before it.');
    END IF;
    IF NEW.at < last.at THEN
        PERFORM governance_refuse('ledger_chain',
            format('The entry is of %s, before the last entry, which is of %s.', NEW.at, last.at));
    END IF;
    PERFORM governance_require_close(NEW.at, greatest(governance_now(), last.at));
    IF NEW.hash <> sha256(NEW.prev_hash || convert_to(NEW.body, 'UTF8')) THEN
        PERFORM governance_refuse('ledger_chain',
            'The hash is not that of the previous hash and the body.');
    END IF;
    IF (body_json ->> 'contract_id', body_json ->> 'seq', body_json ->> 'actor',
        body_json ->> 'event', body_json ->> 'from_status', body_json ->> 'to_status',
        body_json ->> 'reason', body_json ->> 'step_index')
       IS DISTINCT FROM
       (NEW.contract_id::text, NEW.seq::text, NEW.actor, NEW.event,
        NEW.from_status, NEW.to_status, NEW.reason, NEW.step_index::text)
       OR (body_json ->> 'at')::timestamptz IS DISTINCT FROM NEW.at
    THEN
        PERFORM governance_refuse('ledger_chain',
            'The body differs from the columns of the entry.');
    END IF;

    IF (NEW.to_status = '') <> (NEW.event IN (
        'contract.audit.attempted', 'contract.audit.inconclusive',
        'contract.review.clarification_requested',
        'contract.review.clarified', 'contract.review.signed',
        'job.step.completed', 'job.step.failed')) THEN
        PERFORM governance_refuse('ledger_chain',
            format('An entry of %s cannot have %s.', NEW.event,
                   coalesce('the status ' || nullif(NEW.to_status, ''), 'no status')));
    END IF;
    IF NEW.to_status <> '' THEN
        IF last.kind = kind AND last.to_status <> '' THEN
            current_status := last.to_status;
        ELSE
            SELECT to_status INTO current_status FROM governance_ledgerentry
             WHERE contract_id = NEW.contract_id AND to_status <> ''
               AND split_part(event, '.', 1) = kind
             ORDER BY seq DESC LIMIT 1;
        END IF;
        IF NEW.from_status <> coalesce(current_status, '') THEN
            PERFORM governance_refuse('ledger_chain',
                format('The entry begins at the status %s, but the last one ended at %s.',
                       NEW.from_status, current_status));
        END IF;
        IF NOT (CASE kind
            WHEN 'contract' THEN (NEW.from_status, NEW.to_status) = ('', 'DRAFT')
                OR governance_contract_may_move(NEW.from_status, NEW.to_status)
            WHEN 'job' THEN (NEW.from_status, NEW.to_status) = ('', 'PENDING')
                OR governance_job_may_move(NEW.from_status, NEW.to_status)
            ELSE false
        END) THEN
            PERFORM governance_refuse('ledger_chain',
                format('A %s cannot move from %s to %s.', kind, NEW.from_status, NEW.to_status));
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_chain BEFORE INSERT ON governance_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_chain();
