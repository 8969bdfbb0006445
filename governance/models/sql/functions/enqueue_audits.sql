-- AUDIT: the tasks of the auditor of this site. As in enqueue_runs.sql the queue is a hint: a task that
-- is lost is enqueued again, and a task too many does nothing.
CREATE OR REPLACE FUNCTION governance_enqueue_audit(
    job uuid, due_at timestamptz DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, scheduled_at)
    VALUES ('sweeps', 'audit_job', 'audit ' || job, jsonb_build_object('job_id', job), due_at)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
END $$;

-- Enqueue the jobs whose evidence is sealed and that have neither a verdict nor a task, and return how
-- many these were. Their contracts are ACTIVE, of which there are few.
CREATE OR REPLACE FUNCTION governance_enqueue_waiting_audits() RETURNS integer
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    waiting uuid;
    found integer := 0;
BEGIN
    FOR waiting IN
        SELECT job.id
          FROM governance_systemcontract contract
          JOIN governance_governancejob job ON job.contract_id = contract.id
         WHERE contract.status = 'ACTIVE' AND contract.audit_verdict = 'PENDING'
           AND job.status IN ('COMPLETED', 'FAILED', 'CANCELLED')
           AND NOT EXISTS (SELECT FROM procrastinate_jobs
                            WHERE status = 'todo' AND queueing_lock = 'audit ' || job.id)
         ORDER BY job.ended_at, job.id LIMIT 1000
    LOOP
        PERFORM governance_enqueue_audit(waiting);
        found := found + 1;
    END LOOP;
    RETURN found;
END $$;
