-- JOB-004, at commit: a terminal job has sealed evidence, and only a terminal job has; the
-- evidence's digest is that of its body.
CREATE OR REPLACE FUNCTION governance_evidence_digest() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NEW.sha256 <> encode(sha256(convert_to(NEW.body, 'UTF8')), 'hex') THEN
        PERFORM governance_refuse('evidence_digest', 'The digest is not that of the evidence.');
    END IF;
    IF (NEW.body::jsonb ->> 'job_id') IS DISTINCT FROM NEW.job_id::text THEN
        PERFORM governance_refuse('evidence_digest', 'The evidence is about another job.');
    END IF;
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
                   CASE WHEN sealed THEN 'has no' ELSE 'needs' END));
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS evidence_digest ON governance_auditevidence;
CREATE TRIGGER evidence_digest BEFORE INSERT ON governance_auditevidence
    FOR EACH ROW EXECUTE FUNCTION governance_evidence_digest();
ALTER TABLE governance_auditevidence ENABLE ALWAYS TRIGGER evidence_digest;

DROP TRIGGER IF EXISTS evidence_belongs_to_ended_job ON governance_auditevidence;
CREATE CONSTRAINT TRIGGER evidence_belongs_to_ended_job AFTER INSERT ON governance_auditevidence
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_ends_with_evidence('evidence');
ALTER TABLE governance_auditevidence ENABLE ALWAYS TRIGGER evidence_belongs_to_ended_job;

DROP TRIGGER IF EXISTS job_ends_with_evidence ON governance_governancejob;
-- A job that ends has an end (`job_ended_means_terminal`); what else happens to it is not weighed.
CREATE CONSTRAINT TRIGGER job_ends_with_evidence AFTER UPDATE OF ended_at ON governance_governancejob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_job_ends_with_evidence('job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER job_ends_with_evidence;
