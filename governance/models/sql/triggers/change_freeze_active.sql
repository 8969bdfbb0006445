-- FREEZE, at commit: during a change freeze no contract becomes APPROVED or ACTIVE, and no job is
-- created or started. Such a move takes an advisory lock in shared mode at its commit, and then
-- looks for a freeze; a new freeze takes the same lock exclusively. So each move either commits
-- before the freeze, or sees it. The lock is the last that a move takes, and is held only for its
-- commit, so a slow transaction does not keep a founder from freezing.
CREATE OR REPLACE FUNCTION governance_require_no_freeze(claimed timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    -- A snapshot from before the lock would not show a freeze that was committed since.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        PERFORM governance_refuse('change_freeze_read_committed',
            'A move that a change freeze can stop must run under READ COMMITTED.');
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtext('@schema@.governance_change_freeze'));
    -- A freeze that is active now stops the move, whatever time the move claims; and no move may
    -- claim a time at which a freeze was active.
    PERFORM governance_refuse_active_freeze(governance_now());
    PERFORM governance_refuse_active_freeze(claimed);
END $$;

CREATE OR REPLACE FUNCTION governance_change_freeze_active() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_ARGV[0] = 'contract' THEN
        IF NEW.approved_at IS DISTINCT FROM OLD.approved_at THEN
            PERFORM governance_require_no_freeze(NEW.approved_at);
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM governance_require_no_freeze(NEW.created_at);
    ELSIF NEW.started_at IS DISTINCT FROM OLD.started_at THEN
        PERFORM governance_require_no_freeze(NEW.started_at);
    END IF;
    RETURN NULL;
END $$;

-- The move to APPROVED sets approved_at, and the start of a job sets started_at. Constraints ensure
-- that both are null before and set after: `contract_approved_has_approval`,
-- `contract_approval_only_by_approving`, `job_running_has_started` and
-- `job_pending_has_not_started`. A contract becomes ACTIVE with its job, whose INSERT is checked.
CREATE CONSTRAINT TRIGGER change_freeze_active
    AFTER UPDATE OF approved_at ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('contract');

CREATE CONSTRAINT TRIGGER change_freeze_active_at_activation
    AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('job');

CREATE CONSTRAINT TRIGGER change_freeze_active_at_start
    AFTER UPDATE OF started_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('job');

-- The exclusive side of the lock. It is taken BEFORE INSERT, so that no move commits meanwhile.
CREATE OR REPLACE FUNCTION governance_change_freeze_lock() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('@schema@.governance_change_freeze'));
    PERFORM governance_require_current(NEW.started_at);
    PERFORM governance_require_founder(NEW.started_by_id);
    RETURN NEW;
END $$;

CREATE TRIGGER change_freeze_lock BEFORE INSERT ON governance_changefreeze
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_lock();
