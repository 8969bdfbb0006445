-- SCOPE: which jobs may run beside each other. The scope of a job is what its contract affects. Two
-- scopes overlap if they share a capability, or if one of them has SYSTEM, which overlaps every
-- other. A claim (start_job.sql) passes over a job whose scope overlaps that of a RUNNING one, and
-- scope_busy.sql refuses its start.
CREATE OR REPLACE FUNCTION governance_scopes_overlap(one varchar[], other varchar[])
RETURNS boolean
IMMUTABLE
RETURN one && other
    OR ('SYSTEM' = ANY (one) AND cardinality(other) > 0)
    OR ('SYSTEM' = ANY (other) AND cardinality(one) > 0);

-- The scopes of all RUNNING jobs together.
CREATE OR REPLACE FUNCTION governance_running_scope() RETURNS varchar[]
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(name), '{}')
      FROM governance_governancejob job
      JOIN governance_systemcontract contract ON contract.id = job.contract_id
     CROSS JOIN unnest(contract.affected_capabilities) name
     WHERE job.status = 'RUNNING';
END;

-- A RUNNING job whose scope overlaps `scope`, and the capability on which it does; no row if there is
-- none. The index of the open contracts' capabilities finds it, however many jobs run.
CREATE OR REPLACE FUNCTION governance_overlapping_job(scope varchar[])
RETURNS TABLE (job uuid, capability varchar)
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF 'SYSTEM' = ANY (scope) THEN
        RETURN QUERY
            SELECT running.id, 'SYSTEM'::varchar FROM governance_governancejob running
             WHERE running.status = 'RUNNING' LIMIT 1;
    ELSE
        -- MATERIALIZED, because the planner would go through all running jobs for the first match,
        -- and mostly there is none. The contract of a RUNNING job is ACTIVE.
        RETURN QUERY
            WITH active AS MATERIALIZED (
                SELECT contract.id, contract.affected_capabilities
                  FROM governance_systemcontract contract
                 WHERE contract.affected_capabilities && (scope || 'SYSTEM'::varchar)
                   AND contract.status = 'ACTIVE')
            SELECT running.id, coalesce(
                       (SELECT name FROM unnest(active.affected_capabilities) name
                         WHERE name = ANY (scope) LIMIT 1), 'SYSTEM')
              FROM active
              JOIN governance_governancejob running ON running.contract_id = active.id
             WHERE running.status = 'RUNNING'
             LIMIT 1;
    END IF;
END $$;

-- The keys of the advisory locks of a scope, in the order in which every start takes them. A contract
-- can affect 1000 capabilities, so all capabilities share 64 keys. A start that needs the key of
-- another start waits for its commit, and is refused only if the scopes overlap. A scope with SYSTEM
-- needs no key.
CREATE OR REPLACE FUNCTION governance_scope_keys(scope varchar[]) RETURNS SETOF bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT DISTINCT hashtextextended('@schema@ scope ' || (hashtext(name) & 63), 0) AS key
      FROM unnest(scope) name
     WHERE NOT 'SYSTEM' = ANY (scope)
     ORDER BY key;
END;

-- Lock a scope until the transaction ends, so that no two starts with overlapping scopes look for
-- RUNNING jobs at the same time. Each start holds the lock of SYSTEM, shared unless it affects
-- SYSTEM, and the locks of its capabilities.
CREATE OR REPLACE FUNCTION governance_lock_scope(scope varchar[]) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    whole bigint := hashtextextended('@schema@ scope SYSTEM', 0);
BEGIN
    IF 'SYSTEM' = ANY (scope) THEN
        PERFORM pg_advisory_xact_lock(whole);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(whole);
    END IF;
    PERFORM pg_advisory_xact_lock(key) FROM governance_scope_keys(scope) key;
END $$;

-- Lock a scope, and refuse if a RUNNING job overlaps it. Of two starts at once the second waits for
-- the commit of the first, and then sees its job. That needs a snapshot from after the lock:
-- change_freeze_active.sql refuses a start that is not under READ COMMITTED.
CREATE OR REPLACE FUNCTION governance_require_free_scope(scope varchar[]) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    other record;
BEGIN
    PERFORM governance_lock_scope(scope);
    SELECT job, capability INTO other FROM governance_overlapping_job(scope);
    IF FOUND THEN
        PERFORM governance_refuse('scope_busy',
            format('Job %s runs on %s; this job can start once it has ended.',
                   other.job, other.capability),
            jsonb_build_object('capability', other.capability, 'job_id', other.job));
    END IF;
END $$;

-- Lock a scope like governance_lock_scope, but wait for nobody; return whether it is locked. The
-- locks that were free are kept nevertheless, because a transaction cannot give them back.
CREATE OR REPLACE FUNCTION governance_try_lock_scope(scope varchar[]) RETURNS boolean
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    whole bigint := hashtextextended('@schema@ scope SYSTEM', 0);
BEGIN
    IF 'SYSTEM' = ANY (scope) THEN
        RETURN pg_try_advisory_xact_lock(whole);
    END IF;
    IF NOT pg_try_advisory_xact_lock_shared(whole) THEN
        RETURN false;
    END IF;
    RETURN NOT EXISTS (
        SELECT FROM governance_scope_keys(scope) key WHERE NOT pg_try_advisory_xact_lock(key));
END $$;
