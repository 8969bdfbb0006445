-- The limit: each operation of a job as one function, which writes the same rows and columns as
-- govsite, with the same ledger entries, in one round trip. It checks only the status that it
-- starts from and the execution token: no triggers, no content digest, no health. Its tables are
-- the mirror tables (mirror_tables.py), with the same constraints, indexes and foreign keys.

CREATE FUNCTION bare.canonical_time(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

CREATE FUNCTION bare.digest(words text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(words, 'UTF8')), 'hex')
$$;

CREATE FUNCTION bare.entry(
    subject uuid, seq integer, at timestamptz, actor text, event text, was text, becomes text,
    why text, step integer, records text
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"actor":' || to_json(actor) || ',"at":"' || bare.canonical_time(at)
        || '","contract_id":"' || subject || '","event":"' || event
        || '","from_status":"' || was || '","reason":' || to_json(why)
        || ',"records":{' || records || '},"seq":' || seq
        || ',"step_index":' || coalesce(step::text, 'null')
        || ',"to_status":"' || becomes || '"}'
$$;

CREATE FUNCTION bare.activate(
    subject uuid, job uuid, minutes integer, operator integer, actor text, at timestamptz,
    seen jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    contract record;
    head record;
    moved text;
    moved_hash bytea;
    made text;
BEGIN
    SELECT status, plan INTO contract
      FROM bare.governance_systemcontract WHERE id = subject FOR UPDATE;
    IF contract.status IS DISTINCT FROM 'APPROVED' THEN
        RAISE EXCEPTION 'The contract is %.', contract.status;
    END IF;
    SELECT seq, hash INTO head FROM bare.governance_ledgerentry
     WHERE contract_id = subject ORDER BY seq DESC LIMIT 1;
    INSERT INTO bare.governance_governancejob
           (id, contract_id, status, total_steps, current_step_index, timeout_minutes,
            created_at, updated_at, created_by_id, end_reason)
    VALUES (job, subject, 'PENDING', jsonb_array_length(contract.plan), 0, minutes, at, at,
            operator, '');
    INSERT INTO bare.governance_jobstep
           (job_id, step_index, step_type, target, change, timeout_seconds, rollback_action,
            name_keys)
    SELECT job, step_index, step_type, target, change, timeout_seconds, rollback_action,
           CASE WHEN change ->> 'capability_name' IS NULL
                THEN jsonb_build_object('page_size', coalesce(change ->> 'key', 'page_size')) END
      FROM jsonb_to_recordset(contract.plan) AS step (
           step_index integer, step_type text, target text, change jsonb,
           timeout_seconds integer, rollback_action jsonb);
    INSERT INTO bare.governance_healthsnapshot (job_id, phase, reading, observed_at)
    VALUES (job, 'BEFORE', seen, at);
    UPDATE bare.governance_systemcontract SET status = 'ACTIVE', updated_at = at
     WHERE id = subject;
    moved := bare.entry(subject, head.seq + 1, at, actor, 'contract.activation.activated',
                        'APPROVED', 'ACTIVE', '', NULL, '');
    moved_hash := sha256(head.hash || convert_to(moved, 'UTF8'));
    made := bare.entry(
        subject, head.seq + 2, at, actor, 'job.activation.created', '', 'PENDING', '', NULL,
        '"health_before_sha256":"' || bare.digest(seen::text || job || bare.canonical_time(at))
        || '","job_sha256":"' || bare.digest(contract.plan::text || job || bare.canonical_time(at)) || '"');
    INSERT INTO bare.governance_ledgerentry
           (contract_id, seq, at, actor, event, from_status, to_status, reason, body, prev_hash,
            hash)
    VALUES (subject, head.seq + 1, at, actor, 'contract.activation.activated', 'APPROVED',
            'ACTIVE', '', moved, head.hash, moved_hash),
           (subject, head.seq + 2, at, actor, 'job.activation.created', '', 'PENDING', '', made,
            moved_hash, sha256(moved_hash || convert_to(made, 'UTF8')));
END $$;

-- A claim if `wanted` is NULL, or the start of that job.
CREATE FUNCTION bare.start(
    wanted uuid, executor integer, actor text, at timestamptz, grace interval, token_sha256 text
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    job record;
    head record;
    deadline timestamptz;
    lease timestamptz;
    entry_body text;
BEGIN
    IF wanted IS NULL THEN
        SELECT id, contract_id, timeout_minutes INTO job
          FROM bare.governance_governancejob
         WHERE status = 'PENDING' ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED;
    ELSE
        SELECT id, contract_id, timeout_minutes INTO job
          FROM bare.governance_governancejob
         WHERE id = wanted AND status = 'PENDING' FOR UPDATE;
    END IF;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT seq, hash INTO head FROM bare.governance_ledgerentry
     WHERE contract_id = job.contract_id ORDER BY seq DESC LIMIT 1;
    deadline := at + job.timeout_minutes * interval '1 minute';
    SELECT least(at + timeout_seconds * interval '1 second' + grace, deadline) INTO lease
      FROM bare.governance_jobstep WHERE job_id = job.id AND step_index = 0;
    UPDATE bare.governance_governancejob
       SET status = 'RUNNING', started_at = at, started_by_id = executor, deadline_at = deadline,
           lease_expires_at = lease, execution_token_sha256 = token_sha256, updated_at = at
     WHERE id = job.id;
    entry_body := bare.entry(
        job.contract_id, head.seq + 1, at, actor, 'job.execution.started', 'PENDING', 'RUNNING',
        '', NULL, '"start_sha256":"'
        || bare.digest(bare.canonical_time(at) || executor || bare.canonical_time(deadline) || token_sha256)
        || '"');
    INSERT INTO bare.governance_ledgerentry
           (contract_id, seq, at, actor, event, from_status, to_status, reason, body, prev_hash,
            hash)
    VALUES (job.contract_id, head.seq + 1, at, actor, 'job.execution.started', 'PENDING',
            'RUNNING', '', entry_body, head.hash, sha256(head.hash || convert_to(entry_body, 'UTF8')));
    RETURN job.id;
END $$;

CREATE FUNCTION bare.record(
    subject uuid, token_sha256 text, step integer, begun timestamptz, ended timestamptz,
    report_output jsonb, executor integer, actor text, at timestamptz, grace interval
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    job record;
    head record;
    next_timeout integer;
    entry_body text;
    written bigint;
BEGIN
    SELECT contract_id, status, current_step_index, execution_token_sha256, deadline_at INTO job
      FROM bare.governance_governancejob WHERE id = subject FOR UPDATE;
    IF job.status <> 'RUNNING' OR job.current_step_index <> step
       OR job.execution_token_sha256 <> token_sha256 THEN
        RAISE EXCEPTION 'The job is %, at step %.', job.status, job.current_step_index;
    END IF;
    SELECT seq, hash INTO head FROM bare.governance_ledgerentry
     WHERE contract_id = job.contract_id ORDER BY seq DESC LIMIT 1;
    SELECT timeout_seconds INTO next_timeout FROM bare.governance_jobstep
     WHERE job_id = subject AND step_index = step + 1;
    INSERT INTO bare.governance_stepresult
           (job_id, step_index, status, started_at, completed_at, output, error, health_after,
            recorded_at, recorded_by_id)
    VALUES (subject, step, 'COMPLETED', begun, ended, report_output, '', NULL, at, executor)
    RETURNING id INTO written;
    UPDATE bare.governance_governancejob
       SET current_step_index = step + 1, updated_at = at,
           lease_expires_at = least(
               at + coalesce(next_timeout, 0) * interval '1 second' + grace, job.deadline_at)
     WHERE id = subject;
    entry_body := bare.entry(
        job.contract_id, head.seq + 1, at, actor, 'job.step.completed', '', '', '', step,
        '"step_result_sha256":"'
        || bare.digest(subject || step::text || bare.canonical_time(begun) || bare.canonical_time(ended)
                       || report_output::text || bare.canonical_time(at) || executor) || '"');
    INSERT INTO bare.governance_ledgerentry
           (contract_id, seq, at, actor, event, from_status, to_status, reason, step_index, body,
            prev_hash, hash)
    VALUES (job.contract_id, head.seq + 1, at, actor, 'job.step.completed', '', '', '', step, entry_body,
            head.hash, sha256(head.hash || convert_to(entry_body, 'UTF8')));
    RETURN written;
END $$;

-- The evidence of a job, built from the same rows as govsite's and of about the same size.
CREATE FUNCTION bare.evidence(
    job bare.governance_governancejob, ended text, why text, actor integer, at timestamptz,
    seen jsonb, head_seq integer, head_hash bytea
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat(
        '{"affected_capabilities":', to_json(contract.affected_capabilities),
        ',"approval":', to_json(approval), ',"collected_at":"', bare.canonical_time(at),
        '","contract_content_sha256":"', contract.approved_digest,
        '","contract_id":"', contract.id, '","end_reason":', to_json(why),
        ',"ended_at":"', bare.canonical_time(at), '","evidence_version":"1.2.0"',
        ',"executor_version":null,"observations":{"after":null,"before":null,"steps":[]}',
        ',"rollout":null,"rolls_back":null,"routes":[]', ',"signals":[]',
        ',"execution_duration_seconds":',
        coalesce(extract(epoch FROM at - job.started_at)::text, 'null'),
        ',"health_after":', seen,
        ',"health_before":', (SELECT reading FROM bare.governance_healthsnapshot
                               WHERE job_id = job.id AND phase = 'BEFORE'),
        ',"job_id":"', job.id, '","job_status":"', ended,
        '","ledger_head":{"hash":"', encode(head_hash, 'hex'), '","seq":', head_seq,
        '},"participants":{"activated_by":', job.created_by_id,
        ',"approved_by":', contract.approved_by_id, ',"ended_by":', actor,
        ',"proposed_by":', contract.proposed_by_id,
        ',"reported_by":', (SELECT coalesce(json_agg(DISTINCT recorded_by_id), '[]')
                              FROM bare.governance_stepresult WHERE job_id = job.id),
        ',"signed_by":', (SELECT json_agg(DISTINCT founder_id) FROM bare.governance_approvalsignature
                           WHERE contract_id = contract.id),
        ',"started_by":', coalesce(job.started_by_id::text, 'null'),
        '},"signatures":', (
            SELECT json_agg(to_json(signature)) FROM (
                SELECT contract.approved_digest AS content_digest, founder_id AS founder, number,
                       bare.digest(shown) AS shown_sha256, bare.canonical_time(signed_at) AS signed_at,
                       bare.digest(view) AS view_digest, bare.canonical_time(window_closes_at) AS window_closes_at,
                       bare.canonical_time(window_opens_at) AS window_opens_at
                  FROM bare.governance_approvalsignature WHERE contract_id = contract.id
                 ORDER BY number) AS signature),
        ',"started_at":', coalesce('"' || bare.canonical_time(job.started_at) || '"', 'null'),
        ',"step_results":', (
            SELECT coalesce(json_agg(to_json(result)), '[]') FROM (
                SELECT bare.canonical_time(completed_at) AS completed_at, error, health_after, job_id,
                       output, bare.canonical_time(recorded_at) AS recorded_at,
                       recorded_by_id AS recorded_by, bare.canonical_time(started_at) AS started_at,
                       status, step_index
                  FROM bare.governance_stepresult WHERE job_id = job.id
                 ORDER BY step_index) AS result),
        ',"steps":', (
            SELECT json_agg(to_json(step_row)) FROM (
                SELECT step.change, step.rollback_action,
                       coalesce(result.status, 'SKIPPED') AS status, step.step_index,
                       step.step_type, step.target, step.timeout_seconds
                  FROM bare.governance_jobstep step
                  LEFT JOIN bare.governance_stepresult result
                         ON result.job_id = step.job_id AND result.step_index = step.step_index
                 WHERE step.job_id = job.id ORDER BY step.step_index) AS step_row),
        '}')
      FROM bare.governance_systemcontract contract,
           LATERAL (SELECT contract.approval_note, bare.canonical_time(contract.approved_at) AS approved_at,
                           contract.approved_by_id AS approved_by, contract.approved_digest,
                           bare.canonical_time(contract.window_closes_at) AS window_closes_at,
                           bare.canonical_time(contract.window_opens_at) AS window_opens_at) AS approval
     WHERE contract.id = job.contract_id
$$;

-- A cancellation if `token_sha256` is NULL, or a completion.
CREATE FUNCTION bare.finish(
    subject uuid, token_sha256 text, why text, person integer, actor text, at timestamptz,
    seen jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    job bare.governance_governancejob;
    head record;
    ended text := CASE WHEN token_sha256 IS NULL THEN 'CANCELLED' ELSE 'COMPLETED' END;
    sealed text;
    entry_body text;
BEGIN
    SELECT * INTO job FROM bare.governance_governancejob WHERE id = subject FOR UPDATE;
    IF token_sha256 IS NULL THEN
        IF job.status NOT IN ('PENDING', 'RUNNING') THEN
            RAISE EXCEPTION 'The job is %.', job.status;
        END IF;
    ELSIF job.status <> 'RUNNING' OR job.current_step_index <> job.total_steps
       OR job.execution_token_sha256 <> token_sha256 THEN
        RAISE EXCEPTION 'The job is %, at step %.', job.status, job.current_step_index;
    END IF;
    SELECT seq, hash INTO head FROM bare.governance_ledgerentry
     WHERE contract_id = job.contract_id ORDER BY seq DESC LIMIT 1;
    INSERT INTO bare.governance_healthsnapshot (job_id, phase, reading, observed_at)
    VALUES (subject, 'AFTER', seen, at);
    sealed := bare.evidence(job, ended, why, person, at, seen, head.seq, head.hash);
    INSERT INTO bare.governance_auditevidence (job_id, body, sha256, collected_at)
    VALUES (subject, sealed, bare.digest(sealed), at);
    UPDATE bare.governance_governancejob
       SET status = ended, ended_at = at, ended_by_id = person, end_reason = why,
           lease_expires_at = NULL, updated_at = at
     WHERE id = subject;
    entry_body := bare.entry(
        job.contract_id, head.seq + 1, at, actor, 'job.execution.' || lower(ended), job.status,
        ended, why, NULL,
        '"evidence_sha256":"' || bare.digest(sealed)
        || '","health_after_sha256":"' || bare.digest(seen::text || subject || bare.canonical_time(at))
        || '","job_end_sha256":"' || bare.digest(ended || person || bare.canonical_time(at) || why) || '"');
    INSERT INTO bare.governance_ledgerentry
           (contract_id, seq, at, actor, event, from_status, to_status, reason, body, prev_hash,
            hash)
    VALUES (job.contract_id, head.seq + 1, at, actor, 'job.execution.' || lower(ended), job.status,
            ended, why, entry_body, head.hash, sha256(head.hash || convert_to(entry_body, 'UTF8')));
END $$;
