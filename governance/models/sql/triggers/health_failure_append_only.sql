-- HEALTH: a failed reading of health stays on record as it was, with its time.
CREATE OR REPLACE FUNCTION governance_health_failure_in_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_current(NEW.observed_at);
    RETURN NEW;
END $$;

CREATE TRIGGER health_failure_in_time BEFORE INSERT ON governance_healthfailure
    FOR EACH ROW EXECUTE FUNCTION governance_health_failure_in_time();

CREATE TRIGGER health_failure_append_only BEFORE UPDATE OR DELETE ON governance_healthfailure
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('health_failure_append_only', 'health failure');
CREATE TRIGGER health_failure_append_only_truncate BEFORE TRUNCATE ON governance_healthfailure
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('health_failure_append_only', 'health failure');
