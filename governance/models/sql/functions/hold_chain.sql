-- The beginning of every story that is written by one call: lock the contract, whose row is the lock
-- of its chain, and see that nothing has been told since the caller read. What moves a contract or
-- its job is told in its chain, so an unchanged head is an unchanged contract and job. Otherwise it
-- is told again: 40001 is PostgreSQL's own word for that.
CREATE OR REPLACE FUNCTION governance_hold_chain(contract uuid, head integer) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    standing integer;
BEGIN
    PERFORM FROM governance_systemcontract WHERE id = contract FOR UPDATE;
    SELECT seq INTO standing FROM governance_ledgerentry
     WHERE contract_id = contract ORDER BY seq DESC LIMIT 1;
    IF standing IS DISTINCT FROM head THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', CONSTRAINT = 'chain_moved_on',
            MESSAGE = format('The chain is at %s, not at %s: somebody came first.', standing, head);
    END IF;
END $$;
