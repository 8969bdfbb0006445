-- SIGN: signatures are append-only. The function is in append_only.sql.
CREATE TRIGGER signature_append_only BEFORE UPDATE OR DELETE ON governance_approvalsignature
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('signature_append_only', 'signature');
CREATE TRIGGER signature_append_only_truncate BEFORE TRUNCATE ON governance_approvalsignature
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('signature_append_only', 'signature');
