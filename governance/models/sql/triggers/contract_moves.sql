-- CONTRACT-001 and CONTRACT-005: a contract is born DRAFT or ELIGIBLE, its status moves only along
-- this table, and a terminal contract does not change. Its times are of now when they are set.
-- (PostgreSQL parses a body that begins with
-- RETURN when it is installed, so this function needs no search_path.)
CREATE OR REPLACE FUNCTION governance_contract_may_move(before text, after text) RETURNS boolean
IMMUTABLE
RETURN (before, after) IN (
    ('DRAFT', 'VALIDATED'), ('DRAFT', 'REJECTED'), ('DRAFT', 'EXPIRED'),
    ('VALIDATED', 'ELIGIBLE'), ('VALIDATED', 'REJECTED'), ('VALIDATED', 'EXPIRED'),
    ('ELIGIBLE', 'APPROVED'), ('ELIGIBLE', 'REJECTED'), ('ELIGIBLE', 'EXPIRED'),
    ('APPROVED', 'ACTIVE'), ('APPROVED', 'FAILED'),
    ('ACTIVE', 'COMPLETED'), ('ACTIVE', 'FAILED')
);

CREATE OR REPLACE FUNCTION governance_contract_moves() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status NOT IN ('DRAFT', 'ELIGIBLE') THEN
            PERFORM governance_refuse('contract_moves',
                format('A new contract is DRAFT or ELIGIBLE, never %s.', NEW.status));
        END IF;
        PERFORM governance_require_current(NEW.created_at);
        RETURN NEW;
    END IF;

    IF OLD.status IN ('COMPLETED', 'FAILED', 'REJECTED', 'EXPIRED') THEN
        PERFORM governance_refuse('contract_terminal_immutable',
            format('A contract that is %s does not change any more.', OLD.status));
    END IF;
    IF NEW.status <> OLD.status AND NOT governance_contract_may_move(OLD.status, NEW.status) THEN
        PERFORM governance_refuse('contract_moves',
            format('A contract cannot move from %s to %s.', OLD.status, NEW.status));
    END IF;
    IF NEW.approved_at IS DISTINCT FROM OLD.approved_at THEN
        PERFORM governance_require_current(NEW.approved_at, NEW.id);
    END IF;
    IF NEW.closed_at IS DISTINCT FROM OLD.closed_at THEN
        PERFORM governance_require_current(NEW.closed_at, NEW.id);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER contract_moves BEFORE INSERT OR UPDATE ON governance_systemcontract
    FOR EACH ROW EXECUTE FUNCTION governance_contract_moves();
