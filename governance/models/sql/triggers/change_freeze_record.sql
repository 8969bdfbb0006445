-- FREEZE: freezes and their lifts are append-only, and a founder lifts a freeze while it lasts.
CREATE OR REPLACE FUNCTION governance_freeze_lift_in_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM governance_changefreeze change_freeze
         WHERE change_freeze.id = NEW.freeze_id
           AND change_freeze.started_at <= NEW.lifted_at AND NEW.lifted_at < change_freeze.ends_at
    ) THEN
        PERFORM governance_refuse('freeze_lift_in_time',
            'A freeze can be lifted only after its start and before its end.');
    END IF;
    PERFORM governance_require_current(NEW.lifted_at);
    PERFORM governance_require_founder(NEW.lifted_by_id);
    RETURN NEW;
END $$;

CREATE TRIGGER freeze_lift_in_time BEFORE INSERT ON governance_freezelift
    FOR EACH ROW EXECUTE FUNCTION governance_freeze_lift_in_time();

CREATE TRIGGER change_freeze_append_only BEFORE UPDATE OR DELETE ON governance_changefreeze
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('change_freeze_append_only', 'freeze');
CREATE TRIGGER change_freeze_append_only_truncate BEFORE TRUNCATE ON governance_changefreeze
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('change_freeze_append_only', 'freeze');

CREATE TRIGGER freeze_lift_append_only BEFORE UPDATE OR DELETE ON governance_freezelift
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('freeze_lift_append_only', 'lift');
CREATE TRIGGER freeze_lift_append_only_truncate BEFORE TRUNCATE ON governance_freezelift
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('freeze_lift_append_only', 'lift');
