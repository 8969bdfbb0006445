-- BREAKER: openings and closings of a circuit breaker are append-only and take turns, an operator
-- closes it, and it is OPEN exactly if the last of them is an opening.
CREATE OR REPLACE FUNCTION governance_breaker_event_in_turn() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    last_state text;
BEGIN
    PERFORM FROM governance_handlerbreaker WHERE id = NEW.breaker_id FOR UPDATE;
    SELECT state INTO last_state FROM governance_breakerevent
     WHERE breaker_id = NEW.breaker_id ORDER BY id DESC LIMIT 1;
    IF NEW.state = coalesce(last_state, 'CAREFUL') THEN
        PERFORM governance_refuse('breaker_event_in_turn',
            'A circuit breaker is opened while it is not open, and closed while it is.');
    END IF;
    PERFORM governance_require_current(NEW.at);
    IF NEW.state = 'CAREFUL' AND NOT governance_has_role(NEW.closed_by_id, 'Operator') THEN
        PERFORM governance_refuse('operator_closes',
            'Only an active member of the Operator group can close a circuit breaker.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER breaker_event_in_turn BEFORE INSERT ON governance_breakerevent
    FOR EACH ROW EXECUTE FUNCTION governance_breaker_event_in_turn();

CREATE TRIGGER breaker_event_append_only BEFORE UPDATE OR DELETE ON governance_breakerevent
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('breaker_event_append_only', 'breaker event');
CREATE TRIGGER breaker_event_append_only_truncate BEFORE TRUNCATE ON governance_breakerevent
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('breaker_event_append_only', 'breaker event');

-- Refuse a breaker whose state is not the one that its last event says.
CREATE OR REPLACE FUNCTION governance_require_breaker_as_recorded(breaker uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM governance_handlerbreaker found
         WHERE found.id = breaker
           AND (found.state = 'OPEN') <> coalesce((
               SELECT event.state = 'OPEN' FROM governance_breakerevent event
                WHERE event.breaker_id = breaker ORDER BY event.id DESC LIMIT 1), false)
    ) THEN
        PERFORM governance_refuse('breaker_as_recorded',
            'A circuit breaker is open exactly if its last event is an opening.');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance_breaker_as_recorded() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_breaker_as_recorded(NEW.id);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_breaker_event_as_recorded() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_breaker_as_recorded(NEW.breaker_id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER breaker_as_recorded AFTER INSERT OR UPDATE OF state
    ON governance_handlerbreaker DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_breaker_as_recorded();

CREATE CONSTRAINT TRIGGER breaker_event_as_recorded AFTER INSERT
    ON governance_breakerevent DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_breaker_event_as_recorded();
