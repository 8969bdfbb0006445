-- Retention: only the owner of the tables inserts a tombstone, for a terminal contract, and the
-- tombstone matches the contract and the head of its chain. At commit: nothing of the contract is
-- left. Tombstones are append-only, and the id of a removed contract stays reserved; its reference
-- does too (references_taken_once.sql).
CREATE OR REPLACE FUNCTION governance_tombstone_fits_contract() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    contract record;
    head record;
BEGIN
    IF NOT (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = TG_RELID) THEN
        PERFORM governance_refuse('tombstone_by_owner',
            'Only the owner of the tables can remove an archived contract.');
    END IF;
    -- The contract's row is the lock of its chain, so no entry is appended meanwhile.
    SELECT reference, proposal_digest, parent_id, status INTO contract
      FROM governance_systemcontract WHERE id = NEW.contract_id FOR UPDATE;
    IF contract.status IS NULL
       OR contract.status NOT IN ('COMPLETED', 'FAILED', 'REJECTED', 'EXPIRED') THEN
        PERFORM governance_refuse('tombstone_fits_contract',
            format('Only a contract that has ended can be removed; this one is %s.',
                   coalesce(contract.status, 'missing')));
    END IF;
    IF (NEW.reference, NEW.proposal_digest, NEW.parent_id, NEW.status) IS DISTINCT FROM
       (contract.reference, contract.proposal_digest, contract.parent_id, contract.status) THEN
        PERFORM governance_refuse('tombstone_fits_contract',
            'The tombstone differs from its contract.');
    END IF;
    IF EXISTS (SELECT FROM governance_governancejob
                WHERE contract_id = NEW.contract_id
                  AND status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')) THEN
        PERFORM governance_refuse('tombstone_fits_contract',
            'The job of the contract has not ended.');
    END IF;
    SELECT seq, encode(hash, 'hex') AS hash INTO head
      FROM governance_ledgerentry
     WHERE contract_id = NEW.contract_id ORDER BY seq DESC LIMIT 1;
    IF (NEW.entries, NEW.head_sha256) IS DISTINCT FROM (head.seq, head.hash) THEN
        PERFORM governance_refuse('tombstone_fits_contract',
            'The tombstone does not have the head of the contract''s chain.');
    END IF;
    NEW.removed_by := current_user;
    NEW.transaction_id := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_tombstone_leaves_nothing() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF governance_rows_left_of(NEW.contract_id) <> '' THEN
        PERFORM governance_refuse('tombstone_leaves_nothing',
            'A contract with a tombstone must be removed with all its rows.');
    END IF;
    RETURN NULL;
END $$;

-- AFTER INSERT, because an INSERT may wait in a unique index for a removal to commit; after that
-- wait the tombstone is visible.
CREATE OR REPLACE FUNCTION governance_removal_is_final() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM governance_contracttombstone WHERE contract_id = NEW.id) THEN
        PERFORM governance_refuse('removal_is_final',
            'A contract with this id was archived and removed.');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tombstone_fits_contract BEFORE INSERT ON governance_contracttombstone
    FOR EACH ROW EXECUTE FUNCTION governance_tombstone_fits_contract();

CREATE CONSTRAINT TRIGGER tombstone_leaves_nothing AFTER INSERT ON governance_contracttombstone
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_tombstone_leaves_nothing();

CREATE TRIGGER tombstone_append_only BEFORE UPDATE OR DELETE ON governance_contracttombstone
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('tombstone_append_only', 'tombstone');
CREATE TRIGGER tombstone_append_only_truncate BEFORE TRUNCATE ON governance_contracttombstone
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('tombstone_append_only', 'tombstone');

CREATE TRIGGER removal_is_final AFTER INSERT ON governance_systemcontract
    FOR EACH ROW EXECUTE FUNCTION governance_removal_is_final();
