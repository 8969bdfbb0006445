-- LEDGER: insert the ledger entries that record/ledger/chain.py made, as the last write of a call.
CREATE OR REPLACE FUNCTION governance_append_entries(entries jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO governance_ledgerentry
           (contract_id, seq, at, actor, event, from_status, to_status, reason, step_index, body,
            prev_hash, hash)
    SELECT contract_id, seq, at, actor, event, from_status, to_status, reason, step_index, body,
           prev_hash, hash
      FROM jsonb_populate_recordset(NULL::governance_ledgerentry, entries)
     ORDER BY seq;
END $$;
