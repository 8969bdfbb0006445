-- AUDIT: the attempts of an audit without a conclusion are kept beside the verdict, append-only and
-- numbered from 1. An attempt is on the sealed evidence of a job that completed. Before the verdict
-- the auditor of this site makes two: an INCONCLUSIVE one on the evidence alone, then one with what
-- was read since. After an INCONCLUSIVE verdict a person of the Auditor group, who took no part, may
-- ask for more until the audit is resolved.
CREATE OR REPLACE FUNCTION governance_audit_attempt_in_turn() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    seen record;
BEGIN
    SELECT job.status, job.contract_id, evidence.sha256, audit.verdict, resolution.id AS resolved,
           (SELECT count(*) FROM governance_auditattempt WHERE job_id = NEW.job_id) AS earlier
      INTO seen
      FROM governance_governancejob job
      LEFT JOIN governance_auditevidence evidence ON evidence.job_id = job.id
      LEFT JOIN governance_governanceaudit audit ON audit.job_id = job.id
      LEFT JOIN governance_auditresolution resolution ON resolution.audit_id = audit.id
     WHERE job.id = NEW.job_id;
    IF seen.status IS DISTINCT FROM 'COMPLETED' THEN
        PERFORM governance_refuse('audit_attempt_in_turn',
            format('A job that is %s takes no attempt of an audit.', seen.status));
    END IF;
    IF NEW.evidence_sha256 IS DISTINCT FROM seen.sha256 THEN
        PERFORM governance_refuse('audit_names_evidence',
            'The attempt names other evidence than the sealed evidence of the job.');
    END IF;
    IF NEW.number <> seen.earlier + 1 THEN
        PERFORM governance_refuse('audit_attempt_in_turn',
            format('The next attempt has the number %s, not %s.', seen.earlier + 1, NEW.number));
    END IF;
    IF NEW.number = 1 AND NEW.asked_by_id IS NULL
       AND (NEW.verdict <> 'INCONCLUSIVE' OR NEW.health IS NOT NULL
            OR NEW.observations <> '[]'::jsonb) THEN
        PERFORM governance_refuse('audit_attempt_in_turn',
            'The first attempt is kept if it is INCONCLUSIVE, and is on the evidence alone.');
    END IF;
    IF NEW.asked_by_id IS NULL AND (NEW.number > 2 OR seen.verdict IS NOT NULL) THEN
        PERFORM governance_refuse('audit_attempt_in_turn',
            'The auditor makes two attempts, before the verdict.');
    END IF;
    IF NEW.asked_by_id IS NOT NULL THEN
        IF seen.verdict IS DISTINCT FROM 'INCONCLUSIVE' OR seen.resolved IS NOT NULL THEN
            PERFORM governance_refuse('audit_attempt_in_turn',
                'Only after an INCONCLUSIVE verdict that is not resolved, another attempt is made.');
        END IF;
        IF governance_took_part(NEW.job_id, NEW.asked_by_id) THEN
            PERFORM governance_refuse('audit_independent',
                'A person who took part in a contract cannot ask for an attempt of its audit.');
        END IF;
        PERFORM governance_require_auditor(NEW.asked_by_id);
    END IF;
    PERFORM governance_require_current(NEW.attempted_at, seen.contract_id);
    RETURN NEW;
END $$;

-- The verdict of the auditor of this site is that of its last attempt, and is INCONCLUSIVE only after
-- two. So no time makes a PASS of an attempt without a conclusion.
CREATE OR REPLACE FUNCTION governance_require_attempts(of_job uuid, given text) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    attempts text[];
BEGIN
    SELECT array_agg(verdict::text ORDER BY number) INTO attempts
      FROM governance_auditattempt WHERE job_id = of_job;
    IF (attempts IS NULL AND given = 'INCONCLUSIVE')
       OR (attempts IS NOT NULL
           AND (cardinality(attempts) < 2 OR attempts[cardinality(attempts)] <> given)) THEN
        PERFORM governance_refuse('audit_follows_attempts',
            format('The attempts of the audit are %s, and the verdict cannot be %s.',
                   coalesce(array_to_string(attempts, ', '), 'none'), given));
    END IF;
END $$;

-- LEDGER, at commit: every attempt has its ledger entry, and every such entry has its attempt.
CREATE OR REPLACE FUNCTION governance_require_attempt_entries(subject uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    attempts integer;
    attempt_entries integer;
BEGIN
    SELECT count(*) INTO attempts
      FROM governance_auditattempt attempt
      JOIN governance_governancejob job ON job.id = attempt.job_id
     WHERE job.contract_id = subject;
    SELECT count(*) INTO attempt_entries FROM governance_ledgerentry
     WHERE contract_id = subject AND event = 'contract.audit.attempted';
    IF attempts <> attempt_entries THEN
        PERFORM governance_refuse('ledger_covers_attempt',
            format('The audit has %s attempts, but ledger entries of %s.',
                   attempts, attempt_entries));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance_ledger_covers_attempt() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_attempt_entries((
        SELECT contract_id FROM governance_governancejob WHERE id = NEW.job_id));
    RETURN NULL;
END $$;

CREATE TRIGGER audit_attempt_in_turn BEFORE INSERT ON governance_auditattempt
    FOR EACH ROW EXECUTE FUNCTION governance_audit_attempt_in_turn();

CREATE CONSTRAINT TRIGGER ledger_covers_attempt AFTER INSERT ON governance_auditattempt
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_covers_attempt();

CREATE TRIGGER audit_attempt_append_only BEFORE UPDATE OR DELETE ON governance_auditattempt
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('audit_attempt_append_only', 'audit attempt');
CREATE TRIGGER audit_attempt_append_only_truncate BEFORE TRUNCATE ON governance_auditattempt
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('audit_attempt_append_only', 'audit attempt');
