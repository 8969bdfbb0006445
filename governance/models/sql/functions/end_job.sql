-- JOB-004: write the end of a job in one call, in this order: the health snapshot after (if health
-- could be read), the observations after (if there are any), the sealed evidence, one UPDATE of the job,
-- the ledger entry, and the tasks of jobs that may have waited for this end.
CREATE OR REPLACE FUNCTION governance_end_job(
    contract uuid, head integer, job uuid, ended text, account bigint, actor text, at timestamptz,
    why text, observed timestamptz, reading jsonb, evidence text, evidence_sha256 text,
    entries jsonb, observations jsonb
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_lock_chain(contract, head);
    IF reading IS NOT NULL THEN
        INSERT INTO governance_healthsnapshot (job_id, phase, reading, observed_at)
        VALUES (job, 'AFTER', reading, observed);
    END IF;
    PERFORM governance_record_observations(job, 'AFTER', NULL, observations);
    INSERT INTO governance_auditevidence (job_id, body, sha256, collected_at)
    VALUES (job, evidence, evidence_sha256, at);
    UPDATE governance_governancejob
       SET status = ended, ended_at = at, ended_by_id = account, end_reason = why,
           lease_expires_at = NULL, updated_at = at
     WHERE id = job;
    PERFORM governance_append_entries(contract, actor, at, entries);
    PERFORM governance_enqueue_next_runs(affected_capabilities)
       FROM governance_systemcontract WHERE id = contract;
END $$;
