-- LEDGER, JOB-003, JOB-004, JOB-005, AUDIT: the record is append-only. The rows of the first seven
-- tables below are never updated, deleted or truncated. Contracts, jobs and signals are updated
-- under guards of their own, but never deleted. The only exception is retention: the owner of the
-- tables may delete the rows of a contract whose tombstone the same transaction inserted
-- (tombstones.sql), and of the ledger only the entries that the tombstone counts.

-- The contract to which a row of this kind belongs.
CREATE OR REPLACE FUNCTION governance_contract_of(kind text, gone jsonb) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN CASE kind
        WHEN 'contract' THEN (gone ->> 'id')::uuid
        WHEN 'answer' THEN
            (SELECT contract_id FROM governance_clarificationrequest
              WHERE id = (gone ->> 'request_id')::bigint)
        WHEN 'resolution' THEN
            (SELECT job.contract_id FROM governance_governanceaudit audit
               JOIN governance_governancejob job ON job.id = audit.job_id
              WHERE audit.id = (gone ->> 'audit_id')::bigint)
        ELSE coalesce(
            (gone ->> 'contract_id')::uuid,
            (SELECT contract_id FROM governance_governancejob
              WHERE id = (gone ->> 'job_id')::uuid))
    END;
END $$;

-- Whether this transaction may delete a row of this kind: the exception for retention.
CREATE OR REPLACE FUNCTION governance_may_be_removed(kind text, gone jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN kind <> 'tombstone'
        AND EXISTS (
            SELECT FROM pg_class
             WHERE oid = 'governance_contracttombstone'::regclass
               AND pg_has_role(relowner, 'USAGE'))
        AND EXISTS (
            SELECT FROM governance_contracttombstone
             WHERE contract_id = governance_contract_of(kind, gone)
               AND transaction_id = pg_current_xact_id()::text::bigint
               AND entries >= coalesce((gone ->> 'seq')::integer, 0));
END $$;

-- The trigger's arguments: the name of the database guard, and the kind of the table's rows.
CREATE OR REPLACE FUNCTION governance_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF governance_may_be_removed(TG_ARGV[1], to_jsonb(OLD)) THEN
            RETURN OLD;
        END IF;
    END IF;
    PERFORM governance_refuse(TG_ARGV[0],
        format('%s is refused (%s): the record is append-only.', TG_OP, TG_ARGV[1]));
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS ledger_append_only ON governance_ledgerentry;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON governance_ledgerentry
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('ledger_append_only', 'ledger entry');
ALTER TABLE governance_ledgerentry ENABLE ALWAYS TRIGGER ledger_append_only;
DROP TRIGGER IF EXISTS ledger_append_only_truncate ON governance_ledgerentry;
CREATE TRIGGER ledger_append_only_truncate BEFORE TRUNCATE ON governance_ledgerentry
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('ledger_append_only', 'ledger entry');
ALTER TABLE governance_ledgerentry ENABLE ALWAYS TRIGGER ledger_append_only_truncate;

DROP TRIGGER IF EXISTS step_result_append_only ON governance_stepresult;
CREATE TRIGGER step_result_append_only BEFORE UPDATE OR DELETE ON governance_stepresult
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('step_result_append_only', 'step result');
ALTER TABLE governance_stepresult ENABLE ALWAYS TRIGGER step_result_append_only;
DROP TRIGGER IF EXISTS step_result_append_only_truncate ON governance_stepresult;
CREATE TRIGGER step_result_append_only_truncate BEFORE TRUNCATE ON governance_stepresult
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('step_result_append_only', 'step result');
ALTER TABLE governance_stepresult ENABLE ALWAYS TRIGGER step_result_append_only_truncate;

DROP TRIGGER IF EXISTS health_snapshot_written_once ON governance_healthsnapshot;
CREATE TRIGGER health_snapshot_written_once BEFORE UPDATE OR DELETE ON governance_healthsnapshot
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('health_snapshot_written_once', 'health snapshot');
ALTER TABLE governance_healthsnapshot ENABLE ALWAYS TRIGGER health_snapshot_written_once;
DROP TRIGGER IF EXISTS health_snapshot_written_once_truncate ON governance_healthsnapshot;
CREATE TRIGGER health_snapshot_written_once_truncate BEFORE TRUNCATE ON governance_healthsnapshot
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('health_snapshot_written_once', 'health snapshot');
ALTER TABLE governance_healthsnapshot ENABLE ALWAYS TRIGGER health_snapshot_written_once_truncate;

DROP TRIGGER IF EXISTS evidence_written_once ON governance_auditevidence;
CREATE TRIGGER evidence_written_once BEFORE UPDATE OR DELETE ON governance_auditevidence
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('evidence_written_once', 'evidence');
ALTER TABLE governance_auditevidence ENABLE ALWAYS TRIGGER evidence_written_once;
DROP TRIGGER IF EXISTS evidence_written_once_truncate ON governance_auditevidence;
CREATE TRIGGER evidence_written_once_truncate BEFORE TRUNCATE ON governance_auditevidence
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('evidence_written_once', 'evidence');
ALTER TABLE governance_auditevidence ENABLE ALWAYS TRIGGER evidence_written_once_truncate;

DROP TRIGGER IF EXISTS audit_append_only ON governance_governanceaudit;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON governance_governanceaudit
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('audit_append_only', 'audit');
ALTER TABLE governance_governanceaudit ENABLE ALWAYS TRIGGER audit_append_only;
DROP TRIGGER IF EXISTS audit_append_only_truncate ON governance_governanceaudit;
CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON governance_governanceaudit
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('audit_append_only', 'audit');
ALTER TABLE governance_governanceaudit ENABLE ALWAYS TRIGGER audit_append_only_truncate;

DROP TRIGGER IF EXISTS resolution_append_only ON governance_auditresolution;
CREATE TRIGGER resolution_append_only BEFORE UPDATE OR DELETE ON governance_auditresolution
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('resolution_append_only', 'resolution');
ALTER TABLE governance_auditresolution ENABLE ALWAYS TRIGGER resolution_append_only;
DROP TRIGGER IF EXISTS resolution_append_only_truncate ON governance_auditresolution;
CREATE TRIGGER resolution_append_only_truncate BEFORE TRUNCATE ON governance_auditresolution
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('resolution_append_only', 'resolution');
ALTER TABLE governance_auditresolution ENABLE ALWAYS TRIGGER resolution_append_only_truncate;

DROP TRIGGER IF EXISTS job_step_written_once ON governance_jobstep;
CREATE TRIGGER job_step_written_once BEFORE UPDATE OR DELETE ON governance_jobstep
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('job_step_written_once', 'job step');
ALTER TABLE governance_jobstep ENABLE ALWAYS TRIGGER job_step_written_once;
DROP TRIGGER IF EXISTS job_step_written_once_truncate ON governance_jobstep;
CREATE TRIGGER job_step_written_once_truncate BEFORE TRUNCATE ON governance_jobstep
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('job_step_written_once', 'job step');
ALTER TABLE governance_jobstep ENABLE ALWAYS TRIGGER job_step_written_once_truncate;

DROP TRIGGER IF EXISTS contract_never_removed ON governance_systemcontract;
CREATE TRIGGER contract_never_removed BEFORE DELETE ON governance_systemcontract
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('contract_never_removed', 'contract');
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER contract_never_removed;
DROP TRIGGER IF EXISTS contract_never_removed_truncate ON governance_systemcontract;
CREATE TRIGGER contract_never_removed_truncate BEFORE TRUNCATE ON governance_systemcontract
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('contract_never_removed', 'contract');
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER contract_never_removed_truncate;

DROP TRIGGER IF EXISTS job_never_removed ON governance_governancejob;
CREATE TRIGGER job_never_removed BEFORE DELETE ON governance_governancejob
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('job_never_removed', 'job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER job_never_removed;
DROP TRIGGER IF EXISTS job_never_removed_truncate ON governance_governancejob;
CREATE TRIGGER job_never_removed_truncate BEFORE TRUNCATE ON governance_governancejob
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('job_never_removed', 'job');
ALTER TABLE governance_governancejob ENABLE ALWAYS TRIGGER job_never_removed_truncate;

DROP TRIGGER IF EXISTS signal_never_removed ON governance_governancesignal;
CREATE TRIGGER signal_never_removed BEFORE DELETE ON governance_governancesignal
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('signal_never_removed', 'signal');
ALTER TABLE governance_governancesignal ENABLE ALWAYS TRIGGER signal_never_removed;
DROP TRIGGER IF EXISTS signal_never_removed_truncate ON governance_governancesignal;
CREATE TRIGGER signal_never_removed_truncate BEFORE TRUNCATE ON governance_governancesignal
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('signal_never_removed', 'signal');
ALTER TABLE governance_governancesignal ENABLE ALWAYS TRIGGER signal_never_removed_truncate;
