-- Signals: a health signal changes only once, when a later signal of the same scope and type
-- supersedes it. So no signal ends without a later one in its place, but at the time that it was
-- recorded with.
CREATE OR REPLACE FUNCTION governance_signal_history_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF OLD.superseded_at IS NOT NULL OR
       (NEW.id, NEW.scope, NEW.signal_type, NEW.decision, NEW.reason, NEW.recorded_by_id,
        NEW.recorded_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.id, OLD.scope, OLD.signal_type, OLD.decision, OLD.reason, OLD.recorded_by_id,
        OLD.recorded_at, OLD.expires_at)
    THEN
        PERFORM governance_refuse('signal_history_kept',
            'A signal can be superseded once, and does not change otherwise.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER signal_history_kept BEFORE UPDATE ON governance_governancesignal
    FOR EACH ROW EXECUTE FUNCTION governance_signal_history_kept();

CREATE OR REPLACE FUNCTION governance_signal_has_successor() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM governance_governancesignal later
         WHERE later.scope = NEW.scope AND later.signal_type = NEW.signal_type
           AND later.id > NEW.id
    ) THEN
        PERFORM governance_refuse('signal_history_kept',
            format('There is no later signal of scope %s and type %s.',
                   NEW.scope, NEW.signal_type));
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER signal_has_successor AFTER UPDATE ON governance_governancesignal
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_signal_has_successor();
