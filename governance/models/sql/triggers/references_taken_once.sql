-- A reference is taken once: at the commit a new contract has its row among the taken references,
-- whose unique keys refuse a second one. These rows are append-only and never removed, so the
-- reference of a removed contract stays taken.
CREATE OR REPLACE FUNCTION governance_contract_takes_reference() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM governance_takenreference
                    WHERE contract_id = NEW.id AND reference = NEW.reference) THEN
        PERFORM governance_refuse('contract_takes_reference',
            'A new contract must take its reference.');
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER contract_takes_reference AFTER INSERT ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_takes_reference();

CREATE TRIGGER reference_append_only BEFORE UPDATE OR DELETE ON governance_takenreference
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('reference_append_only', 'reference');
CREATE TRIGGER reference_append_only_truncate BEFORE TRUNCATE ON governance_takenreference
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('reference_append_only', 'reference');
