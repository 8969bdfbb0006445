-- Succession: a contract that replaces another is born DRAFT while its parent is ELIGIBLE, which
-- also rules out a cycle of parents. At commit the parent is REJECTED and superseded, by the
-- founder who proposes the successor and did not propose the parent; and an entry of a supersession
-- has a successor. (`contract_origin_frozen` keeps the parent from changing, and a unique key keeps
-- a contract to one successor.)
CREATE OR REPLACE FUNCTION governance_contract_has_eligible_parent() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    parent_status text;
BEGIN
    SELECT status INTO parent_status FROM governance_systemcontract
     WHERE id = NEW.parent_id FOR UPDATE;
    IF parent_status IS DISTINCT FROM 'ELIGIBLE' THEN
        PERFORM governance_refuse('contract_succession',
            format('Only an ELIGIBLE contract can be replaced; this one is %s.',
                   coalesce(parent_status, 'missing')));
    END IF;
    IF NEW.status <> 'DRAFT' THEN
        PERFORM governance_refuse('contract_succession',
            format('A contract that replaces another is born DRAFT, never %s.', NEW.status));
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
            format('A replaced contract must end REJECTED and superseded; this one is %s.',
                   parent.status));
    END IF;
    IF parent.closed_by_id IS DISTINCT FROM NEW.proposed_by_id
       OR parent.proposed_by_id = NEW.proposed_by_id
    THEN
        PERFORM governance_refuse('contract_succession',
            'The founder who ends a replaced contract must propose its successor, '
            'and must not have proposed the contract.');
    END IF;
    RETURN NULL;
END $$;

-- ledger_covers_update.sql calls this for an entry of a supersession.
CREATE OR REPLACE FUNCTION governance_require_successor(superseded uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM governance_systemcontract WHERE parent_id = superseded
    ) THEN
        PERFORM governance_refuse('contract_succession',
            'The ledger says that a contract was superseded, but it has no successor.');
    END IF;
END $$;

CREATE TRIGGER contract_has_eligible_parent BEFORE INSERT ON governance_systemcontract
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION governance_contract_has_eligible_parent();

CREATE CONSTRAINT TRIGGER contract_succession AFTER INSERT ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION governance_contract_succession();
