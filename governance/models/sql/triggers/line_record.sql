-- FREEZE: freezes and thaws are written once and never removed, and a thaw ends a freeze that lasts.
CREATE OR REPLACE FUNCTION governance_line_thaw_fits_freeze() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM governance_linefreeze stop
         WHERE stop.id = NEW.freeze_id
           AND stop.frozen_at <= NEW.thawed_at AND NEW.thawed_at < stop.ends_at
    ) THEN
        PERFORM governance_refuse('line_thaw_fits_freeze',
            'A thaw ends a freeze after it began and before it is over.');
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS line_thaw_fits_freeze ON governance_linethaw;
CREATE TRIGGER line_thaw_fits_freeze BEFORE INSERT ON governance_linethaw
    FOR EACH ROW EXECUTE FUNCTION governance_line_thaw_fits_freeze();
ALTER TABLE governance_linethaw ENABLE ALWAYS TRIGGER line_thaw_fits_freeze;

DROP TRIGGER IF EXISTS line_freeze_append_only ON governance_linefreeze;
CREATE TRIGGER line_freeze_append_only BEFORE UPDATE OR DELETE ON governance_linefreeze
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('line_freeze_append_only', 'freeze');
ALTER TABLE governance_linefreeze ENABLE ALWAYS TRIGGER line_freeze_append_only;
DROP TRIGGER IF EXISTS line_freeze_append_only_truncate ON governance_linefreeze;
CREATE TRIGGER line_freeze_append_only_truncate BEFORE TRUNCATE ON governance_linefreeze
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('line_freeze_append_only', 'freeze');
ALTER TABLE governance_linefreeze ENABLE ALWAYS TRIGGER line_freeze_append_only_truncate;

DROP TRIGGER IF EXISTS line_thaw_append_only ON governance_linethaw;
CREATE TRIGGER line_thaw_append_only BEFORE UPDATE OR DELETE ON governance_linethaw
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('line_thaw_append_only', 'thaw');
ALTER TABLE governance_linethaw ENABLE ALWAYS TRIGGER line_thaw_append_only;
DROP TRIGGER IF EXISTS line_thaw_append_only_truncate ON governance_linethaw;
CREATE TRIGGER line_thaw_append_only_truncate BEFORE TRUNCATE ON governance_linethaw
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('line_thaw_append_only', 'thaw');
ALTER TABLE governance_linethaw ENABLE ALWAYS TRIGGER line_thaw_append_only_truncate;
