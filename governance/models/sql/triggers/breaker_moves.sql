-- BREAKER: the state of a circuit breaker moves along the table of governance/domain/breaker.py, and no
-- breaker is removed.
CREATE OR REPLACE FUNCTION governance_breaker_moves() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'CLOSED' THEN
            PERFORM governance_refuse('breaker_moves', 'A new circuit breaker is CLOSED.');
        END IF;
    ELSIF NEW.handler <> OLD.handler THEN
        PERFORM governance_refuse('breaker_moves',
            'A circuit breaker stays that of its handler.');
    ELSIF (OLD.state, NEW.state) NOT IN (
        ('CLOSED', 'CLOSED'), ('CLOSED', 'CAREFUL'),
        ('CAREFUL', 'CAREFUL'), ('CAREFUL', 'CLOSED'), ('CAREFUL', 'OPEN'),
        ('OPEN', 'OPEN'), ('OPEN', 'CAREFUL')
    ) THEN
        PERFORM governance_refuse('breaker_moves',
            format('A circuit breaker that is %s cannot become %s.', OLD.state, NEW.state));
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER breaker_moves BEFORE INSERT OR UPDATE OF handler, state
    ON governance_handlerbreaker
    FOR EACH ROW EXECUTE FUNCTION governance_breaker_moves();

CREATE TRIGGER breaker_never_removed BEFORE DELETE ON governance_handlerbreaker
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('breaker_never_removed', 'breaker');
CREATE TRIGGER breaker_never_removed_truncate BEFORE TRUNCATE ON governance_handlerbreaker
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('breaker_never_removed', 'breaker');
