-- Retention: remove archived contracts with all their rows, after their tombstones were inserted.
-- Only the owner of the tables may do that; the guards in append_only.sql and tombstones.sql refuse
-- every other role and every other removal.
CREATE OR REPLACE FUNCTION governance_remove_contracts(tombstones jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    gone uuid[];
    jobs uuid[];
BEGIN
    SELECT array_agg(contract_id) INTO gone
      FROM jsonb_populate_recordset(NULL::governance_contracttombstone, tombstones);
    SELECT array_agg(id) INTO jobs FROM governance_governancejob WHERE contract_id = ANY (gone);

    INSERT INTO governance_contracttombstone
           (contract_id, reference, proposal_digest, parent_id, status, entries, head_sha256,
            file_sha256, archived_at, removed_at, removed_by, transaction_id)
    SELECT contract_id, reference, proposal_digest, parent_id, status, entries, head_sha256,
           file_sha256, archived_at, removed_at, current_user, 0
      FROM jsonb_populate_recordset(NULL::governance_contracttombstone, tombstones)
     ORDER BY contract_id;

    DELETE FROM governance_auditresolution WHERE audit_id IN (
        SELECT id FROM governance_governanceaudit WHERE job_id = ANY (jobs));
    DELETE FROM governance_governanceaudit WHERE job_id = ANY (jobs);
    DELETE FROM governance_auditattempt WHERE job_id = ANY (jobs);
    DELETE FROM governance_auditevidence WHERE job_id = ANY (jobs);
    DELETE FROM governance_healthsnapshot WHERE job_id = ANY (jobs);
    DELETE FROM governance_observation WHERE job_id = ANY (jobs);
    DELETE FROM governance_stepresult WHERE job_id = ANY (jobs);
    DELETE FROM governance_jobstep WHERE job_id = ANY (jobs);
    DELETE FROM governance_governancejob WHERE contract_id = ANY (gone);
    DELETE FROM governance_rollbackauthorisation WHERE contract_id = ANY (gone);
    DELETE FROM governance_approvalsignature WHERE contract_id = ANY (gone);
    DELETE FROM governance_contractcomment WHERE contract_id = ANY (gone);
    DELETE FROM governance_clarificationanswer WHERE request_id IN (
        SELECT id FROM governance_clarificationrequest WHERE contract_id = ANY (gone));
    DELETE FROM governance_clarificationrequest WHERE contract_id = ANY (gone);
    DELETE FROM governance_notice WHERE contract_id = ANY (gone);
    DELETE FROM governance_ledgerentry WHERE contract_id = ANY (gone);
    DELETE FROM governance_systemcontract WHERE id = ANY (gone);
END $$;
