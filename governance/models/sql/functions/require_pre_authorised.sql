-- ROLLBACK: the settings that a job changed and that are no longer as it left them, or were not, right
-- before it, what its rollback would restore. (governance/domain/rollbacks.py names the reasons.)
CREATE OR REPLACE FUNCTION governance_moved_settings(of_job uuid)
RETURNS TABLE (moved_scope text, moved_key text)
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN QUERY WITH completed AS (
        SELECT step.step_index, step.change, step.rollback_action
          FROM governance_stepresult result
          JOIN governance_jobstep step
               ON step.job_id = result.job_id AND step.step_index = result.step_index
         WHERE result.job_id = of_job AND result.status = 'COMPLETED'),
    made AS (
        SELECT DISTINCT ON (one.scope, one.key) one.scope, one.key, one.value
          FROM completed CROSS JOIN LATERAL governance_values_set_by(completed.change) one
         ORDER BY one.scope, one.key, completed.step_index DESC),
    restored AS (
        SELECT DISTINCT ON (one.scope, one.key) one.scope, one.key, one.value
          FROM completed CROSS JOIN LATERAL governance_values_set_by(completed.rollback_action) one
         ORDER BY one.scope, one.key, completed.step_index)
    SELECT made.scope::text, made.key::text
      FROM made
      LEFT JOIN restored ON restored.scope = made.scope AND restored.key = made.key
      LEFT JOIN LATERAL (
           SELECT job_id, value FROM governance_registrychange
            WHERE scope = made.scope AND key = made.key
            ORDER BY id DESC LIMIT 1) newest ON true
      LEFT JOIN LATERAL (
           SELECT value FROM governance_registrychange
            WHERE scope = made.scope AND key = made.key AND job_id IS DISTINCT FROM of_job
            ORDER BY id DESC LIMIT 1) before ON true
     WHERE newest.job_id IS DISTINCT FROM of_job
        OR newest.value IS DISTINCT FROM made.value
        OR coalesce(before.value, 'null') IS DISTINCT FROM restored.value;
END $$;

-- ROLLBACK: an approval that was given before: every founder whose signature counted for the contract
-- that is undone authorised exactly this rollback, and is an active founder; none of the
-- authorisations has ended, and nothing has moved since.
CREATE OR REPLACE FUNCTION governance_require_pre_authorised(rollback governance_systemcontract)
RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    undone governance_systemcontract%ROWTYPE;
    named governance_rollbackauthorisation%ROWTYPE;
    counted integer;
    authorised integer;
    steps jsonb;
    done jsonb;
    why text;
BEGIN
    SELECT * INTO undone FROM governance_systemcontract WHERE id = rollback.rolls_back_id;
    SELECT count(*), count(given.id) INTO counted, authorised
      FROM governance_approvalsignature signature
      LEFT JOIN governance_rollbackauthorisation given
           ON given.signature_id = signature.id AND given.sha256 = signature.authorisation_sha256
          AND given.sha256 = encode(sha256(convert_to(given.body, 'UTF8')), 'hex')
     WHERE signature.contract_id = undone.id AND signature.window_closes_at >= undone.approved_at;
    SELECT given.* INTO named
      FROM governance_approvalsignature signature
      JOIN governance_rollbackauthorisation given ON given.signature_id = signature.id
     WHERE signature.contract_id = undone.id AND signature.window_closes_at >= undone.approved_at
     ORDER BY given.ends_at, given.id LIMIT 1;
    steps := named.body::jsonb -> 'steps';
    SELECT jsonb_agg(one) INTO done FROM governance_rollback_actions(undone.id) one;
    why := CASE
        WHEN undone.rolls_back_id IS NOT NULL OR undone.approval_kind <> 'signed'
             OR undone.status <> 'FAILED' OR undone.audit_verdict <> 'FAIL'
            THEN 'The contract that is undone is a rollback itself, or its verdict is not FAIL.'
        WHEN counted = 0 OR authorised < counted
            THEN 'Not every founder whose signature counted authorised the rollback.'
        WHEN (rollback.authorisation_sha256, rollback.approved_by_id)
             IS DISTINCT FROM (named.sha256, named.founder_id)
            THEN 'The approval does not name the authorisation that ends first, and its founder.'
        WHEN rollback.approved_at > named.ends_at OR rollback.window_closes_at > named.ends_at
             OR rollback.window_opens_at <> rollback.approved_at
            THEN 'The authorisation has ended, or ends before the window does.'
        WHEN governance_inactive_signers(undone.id) <> '{}'
            THEN 'Somebody who authorised the rollback is no active founder any more.'
        WHEN rollback.proposed_changes IS DISTINCT FROM done
             OR rollback.proposed_changes IS DISTINCT FROM (
                 SELECT jsonb_agg(step ORDER BY number)
                   FROM jsonb_array_elements(steps) WITH ORDINALITY AS given (step, number)
                  WHERE number > jsonb_array_length(steps)
                               - jsonb_array_length(rollback.proposed_changes))
            THEN 'The rollback is not, step for step, what was authorised.'
        WHEN EXISTS (SELECT FROM governance_governancejob job
                      CROSS JOIN LATERAL governance_moved_settings(job.id)
                      WHERE job.contract_id = undone.id)
            THEN 'A setting was set again since.'
        END;
    IF why IS NOT NULL THEN
        PERFORM governance_refuse('approval_pre_authorised', why);
    END IF;
END $$;
