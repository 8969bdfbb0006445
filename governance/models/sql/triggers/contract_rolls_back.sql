-- ROLLBACK: a rollback is born ELIGIBLE, after the contract that it undoes failed with a completed
-- step. The scheduler proposes it. Its changes are the rollback actions of the completed steps in
-- reverse; some may be left out, and so may parameters of one. It has the risk and the validator's
-- verdict of the contract that it undoes, and reaches no further.
CREATE OR REPLACE FUNCTION governance_is_part_of_rollback(
    change jsonb, rollback_action jsonb
) RETURNS boolean
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT change = rollback_action
        OR change ->> 'type' = 'parameter_change'
       AND change - 'parameters' = rollback_action - 'parameters'
       AND change -> 'parameters' <> '{}'
       AND NOT EXISTS (
           SELECT FROM jsonb_each(change -> 'parameters') kept
            WHERE rollback_action -> 'parameters' -> kept.key IS DISTINCT FROM kept.value);
END;

-- The rollback actions of the completed steps of a contract's job, the last step first.
CREATE OR REPLACE FUNCTION governance_rollback_actions(of_contract uuid) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp AS $$
    SELECT step.rollback_action
      FROM governance_governancejob job
      JOIN governance_stepresult result ON result.job_id = job.id AND result.status = 'COMPLETED'
      JOIN governance_jobstep step
           ON step.job_id = job.id AND step.step_index = result.step_index
     WHERE job.contract_id = of_contract
     ORDER BY step.step_index DESC
$$;

CREATE OR REPLACE FUNCTION governance_contract_rolls_back() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    undone governance_systemcontract%ROWTYPE;
    rollback_action jsonb;
    matched integer := 0;
BEGIN
    SELECT * INTO undone FROM governance_systemcontract WHERE id = NEW.rolls_back_id;
    IF undone.status IS DISTINCT FROM 'FAILED' THEN
        PERFORM governance_refuse('contract_rolls_back',
            format('Only a contract that failed is rolled back; this one is %s.',
                   coalesce(undone.status, 'missing')));
    END IF;
    IF NEW.status <> 'ELIGIBLE' THEN
        PERFORM governance_refuse('contract_rolls_back',
            format('A rollback is born ELIGIBLE, never %s.', NEW.status));
    END IF;
    IF NEW.parent_id IS NOT NULL OR NEW.repeats_id IS NOT NULL THEN
        PERFORM governance_refuse('contract_rolls_back',
            'A rollback neither replaces nor repeats another contract.');
    END IF;
    IF governance_machine_of(NEW.proposed_by_id) IS DISTINCT FROM 'scheduler' THEN
        PERFORM governance_refuse('contract_rolls_back',
            'Only the account of the scheduler proposes a rollback.');
    END IF;
    IF (NEW.risk_level, NEW.risk_asked, NEW.validator_verdict, NEW.requested_by)
       IS DISTINCT FROM
       (undone.risk_level, NULL, undone.validator_verdict, undone.requested_by)
       OR NOT NEW.affected_capabilities <@ undone.affected_capabilities
    THEN
        PERFORM governance_refuse('contract_rolls_back',
            'A rollback has the risk, the requester and the validator''s verdict of the contract '
            'that it undoes, and no other capabilities.');
    END IF;
    FOR rollback_action IN SELECT * FROM governance_rollback_actions(NEW.rolls_back_id) LOOP
        IF governance_is_part_of_rollback(NEW.proposed_changes -> matched, rollback_action) THEN
            matched := matched + 1;
        END IF;
    END LOOP;
    IF matched = 0 OR matched <> jsonb_array_length(NEW.proposed_changes) THEN
        PERFORM governance_refuse('contract_rolls_back',
            'The changes of a rollback are the rollback actions of completed steps in reverse.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER contract_rolls_back BEFORE INSERT ON governance_systemcontract
    FOR EACH ROW WHEN (NEW.rolls_back_id IS NOT NULL)
    EXECUTE FUNCTION governance_contract_rolls_back();
