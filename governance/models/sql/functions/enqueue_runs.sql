-- EXEC: the tasks of workers. The queue is a hint: a task that is lost is enqueued again, and a task
-- too many does nothing. A job has at most one task that waits, because of its queueing lock.
CREATE OR REPLACE FUNCTION governance_enqueue_run(job uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
    VALUES ('runs', 'run_job', 'run ' || job, jsonb_build_object('job_id', job))
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
END $$;

-- A contract whose approval says so is activated by itself when its window opens. Without this task
-- the sweep of each minute does it.
CREATE OR REPLACE FUNCTION governance_enqueue_activation(
    contract uuid, opens_at timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, scheduled_at)
    VALUES ('sweeps', 'activate_contract', 'activate ' || contract,
            jsonb_build_object('contract_id', contract), opens_at)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
END $$;

-- A rollback that founders authorised before is approved by itself.
CREATE OR REPLACE FUNCTION governance_enqueue_rollback(rollback uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
    VALUES ('sweeps', 'approve_rollback', 'approve ' || rollback,
            jsonb_build_object('contract_id', rollback))
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
END $$;

-- Enqueue the oldest jobs that wait for a worker, and return how many had no task.
CREATE OR REPLACE FUNCTION governance_enqueue_waiting_runs() RETURNS integer
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    waiting uuid;
    found integer := 0;
BEGIN
    FOR waiting IN
        SELECT id FROM governance_governancejob job
         WHERE status = 'PENDING' AND run_by = 'worker'
           AND NOT EXISTS (SELECT FROM procrastinate_jobs
                            WHERE status = 'todo' AND queueing_lock = 'run ' || job.id)
         ORDER BY created_at, id LIMIT 1000
    LOOP
        PERFORM governance_enqueue_run(waiting);
        found := found + 1;
    END LOOP;
    RETURN found;
END $$;

-- Enqueue what may have waited for the end of a job with this scope: for each of its capabilities, and
-- for SYSTEM, the oldest job that affects it, and the oldest job of all.
CREATE OR REPLACE FUNCTION governance_enqueue_next_runs(scope varchar[]) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    oldest uuid;
BEGIN
    SELECT id INTO oldest FROM governance_governancejob
     WHERE status = 'PENDING' AND run_by = 'worker'
     ORDER BY created_at, id LIMIT 1;
    IF oldest IS NULL THEN
        RETURN;
    END IF;
    -- The start of a job on this scope waits for this transaction, so that it is not refused because
    -- of the job that ends here after its task was found to be enqueued already.
    PERFORM governance_lock_scope(scope);
    PERFORM governance_enqueue_run(oldest);
    IF 'SYSTEM' = ANY (scope) THEN
        PERFORM governance_enqueue_run(next.id)
           FROM (SELECT id FROM governance_governancejob
                  WHERE status = 'PENDING' AND run_by = 'worker'
                  ORDER BY created_at, id LIMIT 20) AS next;
        RETURN;
    END IF;
    -- MATERIALIZED, because the planner would go through all waiting jobs. The contract of a job that
    -- has not ended is ACTIVE.
    PERFORM governance_enqueue_run(next.id)
       FROM (
            WITH active AS MATERIALIZED (
                SELECT id, affected_capabilities FROM governance_systemcontract
                 WHERE affected_capabilities && (scope || 'SYSTEM'::varchar) AND status = 'ACTIVE')
            SELECT DISTINCT ON (capability) job.id
              FROM active
              JOIN governance_governancejob job ON job.contract_id = active.id
             CROSS JOIN unnest(active.affected_capabilities) capability
             WHERE job.status = 'PENDING' AND job.run_by = 'worker'
               AND capability = ANY (scope || 'SYSTEM'::varchar)
             ORDER BY capability, job.created_at, job.id) AS next;
END $$;
