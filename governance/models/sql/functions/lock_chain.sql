-- LEDGER: lock the contract, whose row is the lock of its chain, and refuse if the chain's head is
-- not the one that the caller read. Each move of a contract or job has a ledger entry, so with the
-- same head the contract and job are unchanged. The refusal has SQLSTATE 40001 (serialization
-- failure), after which the caller retries.
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
            MESSAGE = format('The head of the chain is entry %s, not %s: the chain has changed.',
                             current_seq, head);
    END IF;
END $$;
