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
    RETURN kind NOT IN ('tombstone', 'reference', 'registry change', 'registry import',
                        'capability', 'configuration entry', 'health failure')
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

CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON governance_ledgerentry
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('ledger_append_only', 'ledger entry');
CREATE TRIGGER ledger_append_only_truncate BEFORE TRUNCATE ON governance_ledgerentry
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('ledger_append_only', 'ledger entry');

CREATE TRIGGER step_result_append_only BEFORE UPDATE OR DELETE ON governance_stepresult
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('step_result_append_only', 'step result');
CREATE TRIGGER step_result_append_only_truncate BEFORE TRUNCATE ON governance_stepresult
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('step_result_append_only', 'step result');

CREATE TRIGGER health_snapshot_written_once BEFORE UPDATE OR DELETE ON governance_healthsnapshot
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('health_snapshot_written_once', 'health snapshot');
CREATE TRIGGER health_snapshot_written_once_truncate BEFORE TRUNCATE ON governance_healthsnapshot
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('health_snapshot_written_once', 'health snapshot');

CREATE TRIGGER evidence_written_once BEFORE UPDATE OR DELETE ON governance_auditevidence
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('evidence_written_once', 'evidence');
CREATE TRIGGER evidence_written_once_truncate BEFORE TRUNCATE ON governance_auditevidence
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('evidence_written_once', 'evidence');

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON governance_governanceaudit
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('audit_append_only', 'audit');
CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON governance_governanceaudit
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('audit_append_only', 'audit');

CREATE TRIGGER resolution_append_only BEFORE UPDATE OR DELETE ON governance_auditresolution
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('resolution_append_only', 'resolution');
CREATE TRIGGER resolution_append_only_truncate BEFORE TRUNCATE ON governance_auditresolution
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('resolution_append_only', 'resolution');

CREATE TRIGGER job_step_written_once BEFORE UPDATE OR DELETE ON governance_jobstep
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('job_step_written_once', 'job step');
CREATE TRIGGER job_step_written_once_truncate BEFORE TRUNCATE ON governance_jobstep
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('job_step_written_once', 'job step');

CREATE TRIGGER contract_never_removed BEFORE DELETE ON governance_systemcontract
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('contract_never_removed', 'contract');
CREATE TRIGGER contract_never_removed_truncate BEFORE TRUNCATE ON governance_systemcontract
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('contract_never_removed', 'contract');

CREATE TRIGGER job_never_removed BEFORE DELETE ON governance_governancejob
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('job_never_removed', 'job');
CREATE TRIGGER job_never_removed_truncate BEFORE TRUNCATE ON governance_governancejob
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('job_never_removed', 'job');

CREATE TRIGGER signal_never_removed BEFORE DELETE ON governance_governancesignal
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('signal_never_removed', 'signal');
CREATE TRIGGER signal_never_removed_truncate BEFORE TRUNCATE ON governance_governancesignal
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('signal_never_removed', 'signal');
