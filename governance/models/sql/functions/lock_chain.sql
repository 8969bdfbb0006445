-- The beginning of every story that is written by one call: lock the contract, whose row is the lock
-- of its chain, and see that nothing has been told since the caller read. What moves a contract or
-- its job is told in its chain, so an unchanged head is an unchanged contract and job. Otherwise it
-- is told again: 40001 is PostgreSQL's own word for that.
CREATE OR REPLACE FUNCTION governance_lock_chain(contract uuid, head integer) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    current_seq integer;
BEGIN
    PERFORM FROM governance_systemcontract WHERE id = contract FOR UPDATE;
    SELECT seq INTO current_seq FROM governance_ledgerentry
     WHERE contract_id = contract ORDER BY seq DESC LIMIT 1;
    IF current_seq IS DISTINCT FROM head THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', CONSTRAINT = 'chain_head_moved',
            MESSAGE = format('The chain is at %s, not at %s: somebody came first.', current_seq, head);
    END IF;
END $$;
