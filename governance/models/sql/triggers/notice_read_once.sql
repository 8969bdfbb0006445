-- Notices: a notice begins unread, is marked as read once, and does not change otherwise. It is
-- removed only with its contract (the function is in append_only.sql).
CREATE OR REPLACE FUNCTION governance_notice_read_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.read_at IS NOT NULL THEN
            PERFORM governance_refuse('notice_read_once', 'A notice begins unread.');
        END IF;
    ELSIF OLD.read_at IS NOT NULL OR NEW.read_at IS NULL OR
       (NEW.id, NEW.account_id, NEW.kind, NEW.text, NEW.contract_id, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.account_id, OLD.kind, OLD.text, OLD.contract_id, OLD.created_at)
    THEN
        PERFORM governance_refuse('notice_read_once',
            'A notice can be marked as read once, and does not change otherwise.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER notice_read_once BEFORE INSERT OR UPDATE ON governance_notice
    FOR EACH ROW EXECUTE FUNCTION governance_notice_read_once();

CREATE TRIGGER notice_never_removed BEFORE DELETE ON governance_notice
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('notice_never_removed', 'notice');
CREATE TRIGGER notice_never_removed_truncate BEFORE TRUNCATE ON governance_notice
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('notice_never_removed', 'notice');
