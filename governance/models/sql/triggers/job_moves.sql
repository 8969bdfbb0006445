-- JOB-003 and lease: a job is born PENDING, its status moves only along this table, and a terminal
-- job does not change. What activation and the start wrote does not change, the cursor moves one
-- step at a time, only a step report renews the lease, and a job completes only within its lease.
-- The times of a job are of now when they are set.
CREATE OR REPLACE FUNCTION governance_job_may_move(before text, after text) RETURNS boolean
IMMUTABLE
RETURN (before, after) IN (
    ('PENDING', 'RUNNING'), ('PENDING', 'CANCELLED'),
    ('RUNNING', 'COMPLETED'), ('RUNNING', 'FAILED'), ('RUNNING', 'CANCELLED')
);

CREATE OR REPLACE FUNCTION governance_job_moves() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'PENDING' THEN
            PERFORM governance_refuse('job_moves',
                format('A new job is PENDING, never %s.', NEW.status));
        END IF;
        PERFORM governance_require_current(NEW.created_at, NEW.contract_id);
        RETURN NEW;
    END IF;

    IF OLD.status IN ('COMPLETED', 'FAILED', 'CANCELLED') THEN
        PERFORM governance_refuse('job_terminal_immutable',
            format('A job that is %s does not change any more.', OLD.status));
    END IF;
    IF NEW.status <> OLD.status AND NOT governance_job_may_move(OLD.status, NEW.status) THEN
        PERFORM governance_refuse('job_moves',
            format('A job cannot move from %s to %s.', OLD.status, NEW.status));
    END IF;
    IF (NEW.id, NEW.contract_id, NEW.total_steps, NEW.timeout_minutes, NEW.created_at,
        NEW.created_by_id)
       IS DISTINCT FROM
       (OLD.id, OLD.contract_id, OLD.total_steps, OLD.timeout_minutes, OLD.created_at,
        OLD.created_by_id)
    THEN
        PERFORM governance_refuse('job_plan_frozen',
            'The columns of a job that its activation wrote do not change.');
    END IF;
    IF OLD.status = 'RUNNING' AND
       (NEW.started_at, NEW.started_by_id, NEW.deadline_at, NEW.execution_token_sha256)
       IS DISTINCT FROM
       (OLD.started_at, OLD.started_by_id, OLD.deadline_at, OLD.execution_token_sha256)
    THEN
        PERFORM governance_refuse('job_start_frozen',
            'The start of a job (time, executor, deadline, token) does not change.');
    END IF;
    IF OLD.status = 'RUNNING' AND NEW.status = 'RUNNING'
       AND NEW.lease_expires_at <> OLD.lease_expires_at -- never NULL: job_running_holds_lease
       AND NEW.current_step_index = OLD.current_step_index
    THEN
        PERFORM governance_refuse('job_lease_renewed_by_report',
            'Only the report of a step renews the lease of a job.');
    END IF;
    -- FAILED is allowed after the lease: that is how the job of a lost executor ends.
    IF NEW.status = 'COMPLETED' AND NEW.ended_at > OLD.lease_expires_at THEN
        PERFORM governance_refuse('job_completed_in_lease',
            format('The lease expired at %s; the job cannot be completed after that.',
                   OLD.lease_expires_at));
    END IF;
    IF NEW.started_at IS DISTINCT FROM OLD.started_at THEN
        PERFORM governance_require_current(NEW.started_at, NEW.contract_id);
    END IF;
    IF NEW.ended_at IS DISTINCT FROM OLD.ended_at THEN
        PERFORM governance_require_current(NEW.ended_at, NEW.contract_id);
    END IF;
    IF NEW.current_step_index NOT IN (OLD.current_step_index, OLD.current_step_index + 1) THEN
        PERFORM governance_refuse('step_results_in_order',
            'The cursor of a job moves forward by one step at a time.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER job_moves BEFORE INSERT OR UPDATE ON governance_governancejob
    FOR EACH ROW EXECUTE FUNCTION governance_job_moves();
