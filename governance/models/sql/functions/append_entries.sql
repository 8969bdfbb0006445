-- LEDGER: append entries to a contract's chain. This is the only place where the text and the hash of
-- an entry are made: the text is canonical JSON (RFC 8785), and the hash is SHA-256 over the hash
-- before it and the text. `records` of an entry is canonical JSON already. The caller has locked the
-- contract.
CREATE OR REPLACE FUNCTION governance_timestamp(at timestamptz) RETURNS text
STABLE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

CREATE OR REPLACE FUNCTION governance_append_entries(
    contract uuid, actor text, at timestamptz, entries jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    entry record;
    entry_body text;
    head_seq integer;
    head_hash bytea;
BEGIN
    SELECT seq, hash INTO head_seq, head_hash FROM governance_ledgerentry
     WHERE contract_id = contract ORDER BY seq DESC LIMIT 1;
    IF NOT FOUND THEN
        head_seq := 0;
        head_hash := decode(repeat('00', 32), 'hex');
    END IF;
    FOR entry IN
        SELECT * FROM jsonb_to_recordset(entries) AS given (
            event text, from_status text, to_status text, reason text, step_index integer,
            records text)
    LOOP
        head_seq := head_seq + 1;
        entry_body := '{"actor":' || to_json(actor)
            || ',"at":"' || governance_timestamp(at)
            || '","contract_id":"' || contract
            || '","event":"' || entry.event
            || '","from_status":"' || entry.from_status
            || '","reason":' || to_json(entry.reason)
            || ',"records":' || entry.records
            || ',"seq":' || head_seq
            || ',"step_index":' || coalesce(entry.step_index::text, 'null')
            || ',"to_status":"' || entry.to_status || '"}';
        INSERT INTO governance_ledgerentry
               (contract_id, seq, at, actor, event, from_status, to_status, reason, step_index,
                body, prev_hash, hash)
        VALUES (contract, head_seq, at, actor, entry.event, entry.from_status, entry.to_status,
                entry.reason, entry.step_index, entry_body, head_hash,
                sha256(head_hash || convert_to(entry_body, 'UTF8')))
        RETURNING hash INTO head_hash;
    END LOOP;
END $$;
