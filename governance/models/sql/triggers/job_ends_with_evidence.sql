-- JOB-004: the digest of the evidence is that of its body, the body names its job, and it is
-- collected now. At commit: a
-- terminal job has sealed evidence, and no other job has.
CREATE OR REPLACE FUNCTION governance_evidence_digest() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NEW.sha256 <> encode(sha256(convert_to(NEW.body, 'UTF8')), 'hex') THEN
        PERFORM governance_refuse('evidence_digest',
            'The digest is not the SHA-256 of the evidence.');
    END IF;
    IF (NEW.body::jsonb ->> 'job_id') IS DISTINCT FROM NEW.job_id::text THEN
        PERFORM governance_refuse('evidence_digest', 'The evidence is about another job.');
    END IF;
    PERFORM governance_require_current(NEW.collected_at, (
        SELECT contract_id FROM governance_governancejob WHERE id = NEW.job_id));
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_job_ends_with_evidence() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    subject uuid;
    job_status text;
    sealed boolean;
BEGIN
    IF TG_ARGV[0] = 'evidence' THEN
        subject := NEW.job_id;
    ELSE
        subject := NEW.id;
    END IF;
    SELECT status INTO job_status FROM governance_governancejob WHERE id = subject;
    sealed := EXISTS (SELECT 1 FROM governance_auditevidence WHERE job_id = subject);
    IF sealed <> (job_status IN ('COMPLETED', 'FAILED', 'CANCELLED')) THEN
        PERFORM governance_refuse('job_ends_with_evidence',
            format('A job that is %s %s sealed evidence.', job_status,
                   CASE WHEN sealed THEN 'cannot have' ELSE 'needs' END));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER evidence_digest BEFORE INSERT ON governance_auditevidence
    FOR EACH ROW EXECUTE FUNCTION governance_evidence_digest();

CREATE CONSTRAINT TRIGGER evidence_belongs_to_ended_job AFTER INSERT ON governance_auditevidence
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_ends_with_evidence('evidence');

-- The end of a job sets ended_at (`job_ended_means_terminal`), so other updates need no check.
CREATE CONSTRAINT TRIGGER job_ends_with_evidence
    AFTER UPDATE OF ended_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_ends_with_evidence('job');
