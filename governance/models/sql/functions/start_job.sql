-- JOB-003: write the start of a job in one call, under the lock of the chain, with its ledger
-- entry.
CREATE OR REPLACE FUNCTION governance_start_job(
    subject uuid, head integer, job uuid, executor bigint, at timestamptz,
    deadline timestamptz, lease timestamptz, token_sha256 text, entries jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_lock_chain(subject, head);
    UPDATE governance_governancejob
       SET status = 'RUNNING', started_at = at, started_by_id = executor, deadline_at = deadline,
           lease_expires_at = lease, execution_token_sha256 = token_sha256,
           updated_at = greatest(updated_at, at)
     WHERE id = job;
    PERFORM governance_append_entries(entries);
END $$;
