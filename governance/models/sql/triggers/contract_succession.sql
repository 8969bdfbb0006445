-- Review, modify scope: a contract that replaces another is born a DRAFT, after its parent and while
-- that is still ELIGIBLE, so that nobody descends from himself; at commit the parent is REJECTED,
-- superseded, by the very founder who proposes the successor and did not propose the parent. And
-- no ledger says that a contract was superseded when nothing takes its place.
-- (`contract_content_frozen` keeps a parent as it was at birth; unique keeps its successors to one.)
CREATE OR REPLACE FUNCTION governance_contract_has_eligible_parent() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    parent_status text;
BEGIN
    SELECT status INTO parent_status FROM governance_systemcontract
     WHERE id = NEW.parent_id FOR UPDATE;
    IF parent_status IS DISTINCT FROM 'ELIGIBLE' THEN
        PERFORM governance_refuse('contract_succession',
            format('Only an ELIGIBLE contract is replaced; this one is %s.',
                   coalesce(parent_status, 'not there')));
    END IF;
    IF NEW.status <> 'DRAFT' THEN
        PERFORM governance_refuse('contract_succession',
            format('What replaces a contract is born DRAFT, never %s.', NEW.status));
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_contract_succession() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    parent governance_systemcontract%ROWTYPE;
BEGIN
    SELECT * INTO parent FROM governance_systemcontract WHERE id = NEW.parent_id;
    IF parent.status IS DISTINCT FROM 'REJECTED'
       OR NOT EXISTS (
           SELECT 1 FROM governance_ledgerentry
            WHERE contract_id = parent.id AND event = 'contract.review.superseded')
    THEN
        PERFORM governance_refuse('contract_succession',
            format('What is replaced ends REJECTED, superseded; this one is %s.', parent.status));
    END IF;
    IF parent.closed_by_id IS DISTINCT FROM NEW.proposed_by_id
       OR parent.proposed_by_id = NEW.proposed_by_id
    THEN
        PERFORM governance_refuse('contract_succession',
            'Who modifies a contract ends it, proposes its successor, and did not propose it.');
    END IF;
    RETURN NULL;
END $$;

-- Asked by ledger_covers_update.sql, for an entry that says so.
CREATE OR REPLACE FUNCTION governance_require_successor(superseded uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM governance_systemcontract WHERE parent_id = superseded
    ) THEN
        PERFORM governance_refuse('contract_succession',
            'The ledger says that a contract was superseded, but nothing takes its place.');
    END IF;
END $$;

DROP TRIGGER IF EXISTS contract_has_eligible_parent ON governance_systemcontract;
CREATE TRIGGER contract_has_eligible_parent BEFORE INSERT ON governance_systemcontract
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION governance_contract_has_eligible_parent();
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER contract_has_eligible_parent;

DROP TRIGGER IF EXISTS contract_succession ON governance_systemcontract;
CREATE CONSTRAINT TRIGGER contract_succession AFTER INSERT ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION governance_contract_succession();
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER contract_succession;
