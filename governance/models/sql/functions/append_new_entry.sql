-- LEDGER: make a ledger entry in PostgreSQL and append it, for a call that learns the chain's head
-- only while it writes. The body is the same canonical JSON that record/ledger/chain.py would make.
-- `records` must be canonical JSON already.
CREATE OR REPLACE FUNCTION governance_canonical_time(at timestamptz) RETURNS text
STABLE
RETURN '"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"';

CREATE OR REPLACE FUNCTION governance_append_new_entry(
    contract uuid, head_seq integer, head_hash bytea, at timestamptz, actor text, event text,
    was text, becomes text, why text, step integer, records text
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    entry_body text := '{"actor":' || to_json(actor)
        || ',"at":' || governance_canonical_time(at)
        || ',"contract_id":"' || contract
        || '","event":"' || event
        || '","from_status":"' || was
        || '","reason":' || to_json(why)
        || ',"records":' || records
        || ',"seq":' || head_seq + 1
        || ',"step_index":' || coalesce(step::text, 'null')
        || ',"to_status":"' || becomes || '"}';
BEGIN
    INSERT INTO governance_ledgerentry
           (contract_id, seq, at, actor, event, from_status, to_status, reason, step_index, body,
            prev_hash, hash)
    VALUES (contract, head_seq + 1, at, actor, event, was, becomes, why, step, entry_body,
            head_hash, sha256(head_hash || convert_to(entry_body, 'UTF8')));
END $$;
