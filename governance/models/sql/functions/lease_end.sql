-- Lease: when the lease ends that a job gets, or renews, at a time. It lasts for the timeout of the
-- step that is due plus `grace`, or for `completion_grace` when no step is due. It never outlasts the
-- job's deadline.
CREATE OR REPLACE FUNCTION governance_lease_end(
    job uuid, due integer, at timestamptz, deadline timestamptz, grace interval,
    completion_grace interval
) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
DECLARE
    step_timeout interval := (
        SELECT timeout_seconds * interval '1 second' FROM governance_jobstep
         WHERE job_id = job AND step_index = due);
BEGIN
    RETURN least(deadline, at + coalesce(step_timeout + grace, completion_grace));
END $$;
