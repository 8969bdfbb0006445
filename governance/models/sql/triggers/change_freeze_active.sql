-- FREEZE, at commit: during a change freeze no contract becomes APPROVED or ACTIVE, and no job is
-- created or started. Such a move takes an advisory lock in shared mode at its commit, and then
-- looks for a freeze; a new freeze takes the same lock exclusively. So each move either commits
-- before the freeze, or sees it. The lock is the last that a move takes, and is held only for its
-- commit, so a slow transaction does not keep a founder from freezing.
CREATE OR REPLACE FUNCTION governance_require_no_freeze(claimed timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    active_freeze governance_changefreeze%ROWTYPE;
BEGIN
    -- A snapshot from before the lock would not show a freeze that was committed since.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        PERFORM governance_refuse('change_freeze_read_committed',
            'A move that a change freeze can stop must run under READ COMMITTED.');
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtext('@schema@.governance_change_freeze'));
    -- A freeze that is active now stops the move, whatever time the move claims; and no move may
    -- claim a time at which a freeze was active.
    SELECT change_freeze.* INTO active_freeze
      FROM governance_changefreeze change_freeze
      LEFT JOIN governance_freezelift lift ON lift.freeze_id = change_freeze.id
     WHERE (lift.id IS NULL AND clock_timestamp() < change_freeze.ends_at)
        OR (change_freeze.started_at <= claimed AND claimed < change_freeze.ends_at
            AND (lift.id IS NULL OR claimed < lift.lifted_at))
     ORDER BY change_freeze.ends_at DESC
     LIMIT 1;
    IF FOUND THEN
        PERFORM governance_refuse('change_freeze_active',
            format('Changes are frozen until %s UTC.', active_freeze.ends_at AT TIME ZONE 'UTC'));
    END IF;
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
DROP TRIGGER IF EXISTS change_freeze_active ON governance_systemcontract;
CREATE CONSTRAINT TRIGGER change_freeze_active
    AFTER UPDATE OF approved_at ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('contract');
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER change_freeze_active;

DROP TRIGGER IF EXISTS change_freeze_active_at_activation ON governance_governancejob;
CREATE CONSTRAINT TRIGGER change_freeze_active_at_activation
    AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER change_freeze_active_at_activation;

DROP TRIGGER IF EXISTS change_freeze_active_at_start ON governance_governancejob;
CREATE CONSTRAINT TRIGGER change_freeze_active_at_start
    AFTER UPDATE OF started_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER change_freeze_active_at_start;

-- The exclusive side of the lock. It is taken BEFORE INSERT, so that no move commits meanwhile.
CREATE OR REPLACE FUNCTION governance_change_freeze_lock() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('@schema@.governance_change_freeze'));
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS change_freeze_lock ON governance_changefreeze;
CREATE TRIGGER change_freeze_lock BEFORE INSERT ON governance_changefreeze
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_lock();
ALTER TABLE governance_changefreeze ENABLE ALWAYS TRIGGER change_freeze_lock;
