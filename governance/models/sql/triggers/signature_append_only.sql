-- SIGN: signatures are append-only. The function is in append_only.sql.
DROP TRIGGER IF EXISTS signature_append_only ON governance_approvalsignature;
CREATE TRIGGER signature_append_only BEFORE UPDATE OR DELETE ON governance_approvalsignature
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('signature_append_only', 'signature');
ALTER TABLE governance_approvalsignature ENABLE ALWAYS TRIGGER signature_append_only;
DROP TRIGGER IF EXISTS signature_append_only_truncate ON governance_approvalsignature;
CREATE TRIGGER signature_append_only_truncate BEFORE TRUNCATE ON governance_approvalsignature
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('signature_append_only', 'signature');
ALTER TABLE governance_approvalsignature ENABLE ALWAYS TRIGGER signature_append_only_truncate;
