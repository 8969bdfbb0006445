-- Signals are history: a later one may supersede an earlier one, once, and nothing else changes.
CREATE OR REPLACE FUNCTION governance_signal_history_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.superseded_at IS NOT NULL OR
       (NEW.id, NEW.scope, NEW.signal_type, NEW.decision, NEW.reason, NEW.recorded_by_id,
        NEW.recorded_at)
       IS DISTINCT FROM
       (OLD.id, OLD.scope, OLD.signal_type, OLD.decision, OLD.reason, OLD.recorded_by_id,
        OLD.recorded_at)
    THEN
        PERFORM governance_refuse('signal_history_kept', 'A signal is superseded, not changed.');
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS signal_history_kept ON governance_governancesignal;
CREATE TRIGGER signal_history_kept BEFORE UPDATE ON governance_governancesignal
    FOR EACH ROW EXECUTE FUNCTION governance_signal_history_kept();
ALTER TABLE governance_governancesignal ENABLE ALWAYS TRIGGER signal_history_kept;
