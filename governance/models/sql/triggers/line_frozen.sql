-- FREEZE, at commit: while a founder has stopped the line, no contract becomes APPROVED or ACTIVE, no
-- job is made and none is started. Whoever makes such a move takes the line's lock shared as its
-- transaction commits, and then looks; a freeze takes it alone. So each move either commits before
-- the freeze does, or sees it. The lock is the last that a move takes, and held for its commit only:
-- a transaction that dawdles does not keep anybody from stopping the line.
CREATE OR REPLACE FUNCTION governance_require_line_runs(claimed timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    standing governance_linefreeze%ROWTYPE;
BEGIN
    -- An older snapshot would not show a freeze that was committed meanwhile.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        PERFORM governance_refuse('line_seen_as_it_is',
            'What a freeze can stop is written under READ COMMITTED only.');
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtext('@schema@.governance_line'));
    -- A freeze stops what is done now, whatever time the move claims; and none claims a time at
    -- which the line stood still.
    SELECT stop.* INTO standing
      FROM governance_linefreeze stop
      LEFT JOIN governance_linethaw thaw ON thaw.freeze_id = stop.id
     WHERE (thaw.id IS NULL AND clock_timestamp() < stop.ends_at)
        OR (stop.frozen_at <= claimed AND claimed < stop.ends_at
            AND (thaw.id IS NULL OR claimed < thaw.thawed_at))
     ORDER BY stop.ends_at DESC
     LIMIT 1;
    IF FOUND THEN
        PERFORM governance_refuse('line_frozen',
            format('The line is frozen until %s.', standing.ends_at AT TIME ZONE 'UTC'));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance_line_frozen() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_ARGV[0] = 'contract' THEN
        IF NEW.approved_at IS DISTINCT FROM OLD.approved_at THEN
            PERFORM governance_require_line_runs(NEW.approved_at);
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM governance_require_line_runs(NEW.created_at);
    ELSIF NEW.started_at IS DISTINCT FROM OLD.started_at THEN
        PERFORM governance_require_line_runs(NEW.started_at);
    END IF;
    RETURN NULL;
END $$;

-- What becomes APPROVED is given its approval then, and what becomes RUNNING starts then: constraints
-- see to it that either has one and had none before (`contract_approved_has_approval`,
-- `contract_approval_only_by_approving`, `job_running_has_started`, `job_pending_has_not_started`). A
-- contract becomes ACTIVE with its job, which is looked at as it is made.
DROP TRIGGER IF EXISTS line_frozen ON governance_systemcontract;
CREATE CONSTRAINT TRIGGER line_frozen AFTER UPDATE OF approved_at ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_line_frozen('contract');
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER line_frozen;

DROP TRIGGER IF EXISTS line_frozen_activation ON governance_governancejob;
CREATE CONSTRAINT TRIGGER line_frozen_activation AFTER INSERT ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_line_frozen('job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER line_frozen_activation;

DROP TRIGGER IF EXISTS line_frozen_start ON governance_governancejob;
CREATE CONSTRAINT TRIGGER line_frozen_start AFTER UPDATE OF started_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_line_frozen('job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER line_frozen_start;

-- The other side of the lock. BEFORE INSERT: a freeze is written when no move is being committed.
CREATE OR REPLACE FUNCTION governance_line_freeze_alone() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('@schema@.governance_line'));
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS line_freeze_alone ON governance_linefreeze;
CREATE TRIGGER line_freeze_alone BEFORE INSERT ON governance_linefreeze
    FOR EACH ROW EXECUTE FUNCTION governance_line_freeze_alone();
ALTER TABLE governance_linefreeze ENABLE ALWAYS TRIGGER line_freeze_alone;
