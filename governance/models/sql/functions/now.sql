-- The clock: PostgreSQL decides what time it is, and no process's own clock does. The demo, the tests
-- and the benchmarks, as the owner, replace `governance_now` by a function that adds a shift;
-- `check --deploy` and `verify_ledger` name any other body (governance/db/clock.py).
CREATE OR REPLACE FUNCTION governance_now() RETURNS timestamptz
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN clock_timestamp();
END $$;

-- The time of a new entry of a contract's chain. It is never before the last entry, so the time of a
-- chain does not run backwards when the clock does. It is STABLE, so that a statement that reads the
-- head of the chain too sees the same last entry, even if another one is committed meanwhile.
CREATE OR REPLACE FUNCTION governance_chain_now(contract uuid) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN greatest(governance_now(), (
        SELECT at FROM governance_ledgerentry
         WHERE contract_id = contract ORDER BY seq DESC LIMIT 1));
END $$;

-- Refuse a time that is more than 30 seconds from `now`.
CREATE OR REPLACE FUNCTION governance_require_close(claimed timestamptz, now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF claimed NOT BETWEEN now - interval '30 seconds' AND now + interval '30 seconds' THEN
        PERFORM governance_refuse('time_is_current',
            format('The time %s is claimed, but it is %s now.', claimed, now));
    END IF;
END $$;

-- Refuse a time that is more than 30 seconds from what it is now in the chain of `contract`; without
-- a contract, from what it is now.
CREATE OR REPLACE FUNCTION governance_require_current(
    claimed timestamptz, contract uuid DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_close(claimed, governance_chain_now(contract));
END $$;
