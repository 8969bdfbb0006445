-- BREAKER: whether a handler may begin another job while `running` of its jobs run, as `may_begin` of
-- governance/domain/breaker.py says.
CREATE OR REPLACE FUNCTION governance_breaker_admits(state text, running bigint) RETURNS boolean
IMMUTABLE
RETURN state = 'CLOSED' OR (state = 'CAREFUL' AND running = 0);

-- The jobs in flight of a breaker that are still RUNNING, without the job that asks.
CREATE OR REPLACE FUNCTION governance_still_running(in_flight uuid[], without uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT id FROM governance_governancejob
         WHERE id = ANY (in_flight) AND id <> without AND status = 'RUNNING');
END $$;

-- Return whether every one of `wanted` may begin the job now; then the job is in flight. Return null if
-- one of them has no breaker yet. The breakers are locked in the order of their names until the
-- transaction ends. Each statement after the lock sees what was committed while that one waited.
CREATE OR REPLACE FUNCTION governance_admit_run(wanted varchar[], job uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM FROM governance_handlerbreaker
      WHERE handler = ANY (wanted) ORDER BY handler FOR UPDATE;
    IF (SELECT count(*) FROM governance_handlerbreaker WHERE handler = ANY (wanted))
       < cardinality(wanted) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        SELECT FROM governance_handlerbreaker
         WHERE handler = ANY (wanted)
           AND NOT governance_breaker_admits(
               state, cardinality(governance_still_running(jobs_in_flight, job)))) THEN
        RETURN false;
    END IF;
    UPDATE governance_handlerbreaker
       SET jobs_in_flight = governance_still_running(jobs_in_flight, job) || job
     WHERE handler = ANY (wanted);
    RETURN true;
END $$;
