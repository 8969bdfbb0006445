-- FREEZE, at commit: while a founder has stopped the line, no contract becomes APPROVED or ACTIVE, no
-- job is made and none is started. Whoever makes such a move takes the line's lock shared as its
-- transaction commits, and then looks; a freeze takes it alone. So each move either commits before
-- the freeze does, or sees it. The lock is the last that a move takes, and held for its commit only:
-- a transaction that dawdles does not keep anybody from stopping the line.
CREATE OR REPLACE FUNCTION governance_require_no_freeze(claimed timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    active_freeze governance_changefreeze%ROWTYPE;
BEGIN
    -- An older snapshot would not show a freeze that was committed meanwhile.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        PERFORM governance_refuse('change_freeze_read_committed',
            'What a freeze can stop is written under READ COMMITTED only.');
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtext('@schema@.governance_change_freeze'));
    -- A freeze stops what is done now, whatever time the move claims; and none claims a time at
    -- which the line stood still.
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
            format('The line is frozen until %s.', active_freeze.ends_at AT TIME ZONE 'UTC'));
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

-- What becomes APPROVED is given its approval then, and what becomes RUNNING starts then: constraints
-- see to it that either has one and had none before (`contract_approved_has_approval`,
-- `contract_approval_only_by_approving`, `job_running_has_started`, `job_pending_has_not_started`). A
-- contract becomes ACTIVE with its job, which is looked at as it is made.
DROP TRIGGER IF EXISTS change_freeze_active ON governance_systemcontract;
CREATE CONSTRAINT TRIGGER change_freeze_active AFTER UPDATE OF approved_at ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('contract');
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER change_freeze_active;

DROP TRIGGER IF EXISTS change_freeze_active_at_activation ON governance_governancejob;
CREATE CONSTRAINT TRIGGER change_freeze_active_at_activation AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER change_freeze_active_at_activation;

DROP TRIGGER IF EXISTS change_freeze_active_at_start ON governance_governancejob;
CREATE CONSTRAINT TRIGGER change_freeze_active_at_start AFTER UPDATE OF started_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_change_freeze_active('job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER change_freeze_active_at_start;

-- The other side of the lock. BEFORE INSERT: a freeze is written when no move is being committed.
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
