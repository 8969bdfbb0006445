-- LEDGER and JOB-002, at commit: every step result has its ledger entry, and the job's cursor is
-- past the step. ledger_covers_update.sql checks contracts and jobs against their entries.
CREATE OR REPLACE FUNCTION governance_ledger_covers_result() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    seen record;
BEGIN
    SELECT job.current_step_index > NEW.step_index AS is_counted,
           -- The entry is at the end of the chain, so a search from the end stays short.
           (SELECT true FROM governance_ledgerentry entry
             WHERE entry.contract_id = job.contract_id AND entry.step_index = NEW.step_index
             ORDER BY entry.seq DESC LIMIT 1) AS has_entry
      INTO seen
      FROM governance_governancejob job
     WHERE job.id = NEW.job_id;
    IF seen.has_entry IS NOT TRUE THEN
        PERFORM governance_refuse('ledger_covers_result',
            format('The result of step %s has no ledger entry.', NEW.step_index));
    END IF;
    IF NOT seen.is_counted THEN
        PERFORM governance_refuse('job_agrees_with_results',
            format('The cursor of the job is not past step %s.', NEW.step_index));
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_covers_result AFTER INSERT ON governance_stepresult
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_covers_result();
