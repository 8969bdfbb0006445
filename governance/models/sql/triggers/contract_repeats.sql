-- Repetition: a contract that repeats another is born DRAFT, after the other one failed, expired or
-- was rejected. (`contract_origin_frozen` keeps the link from changing.)
CREATE OR REPLACE FUNCTION governance_contract_repeats() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    repeated text;
BEGIN
    SELECT status INTO repeated FROM governance_systemcontract WHERE id = NEW.repeats_id;
    IF repeated IS NULL OR repeated NOT IN ('FAILED', 'EXPIRED', 'REJECTED') THEN
        PERFORM governance_refuse('contract_repeats',
            format('Only a contract that failed, expired or was rejected can be repeated; '
                   'this one is %s.', coalesce(repeated, 'missing')));
    END IF;
    IF NEW.status <> 'DRAFT' THEN
        PERFORM governance_refuse('contract_repeats',
            format('A contract that repeats another is born DRAFT, never %s.', NEW.status));
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER contract_repeats BEFORE INSERT ON governance_systemcontract
    FOR EACH ROW WHEN (NEW.repeats_id IS NOT NULL)
    EXECUTE FUNCTION governance_contract_repeats();
