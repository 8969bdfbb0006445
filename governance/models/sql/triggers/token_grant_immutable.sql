-- Tokens: the account and the rights of an API token never change, its end only comes sooner, a
-- revocation is final, and no token is deleted.
CREATE OR REPLACE FUNCTION governance_token_grant_immutable() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.digest, NEW.token_key, NEW.user_id, NEW.created, NEW.name, NEW.verbs,
        NEW.capabilities, NEW.issued_by_id, NEW.rotated_from_id)
       IS DISTINCT FROM
       (OLD.id, OLD.digest, OLD.token_key, OLD.user_id, OLD.created, OLD.name, OLD.verbs,
        OLD.capabilities, OLD.issued_by_id, OLD.rotated_from_id)
    THEN
        PERFORM governance_refuse('token_grant_immutable',
            'The account and the rights of a token do not change.');
    END IF;
    -- A null expiry means that the token never expires.
    IF OLD.expiry IS NOT NULL AND (NEW.expiry IS NULL OR NEW.expiry > OLD.expiry) THEN
        PERFORM governance_refuse('token_grant_immutable',
            'The expiry of a token cannot become later.');
    END IF;
    IF OLD.revoked_at IS NOT NULL AND
       (NEW.revoked_at, NEW.revoked_by_id, NEW.revoked_reason)
       IS DISTINCT FROM
       (OLD.revoked_at, OLD.revoked_by_id, OLD.revoked_reason)
    THEN
        PERFORM governance_refuse('token_grant_immutable', 'A revocation is final.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER token_grant_immutable BEFORE UPDATE ON governance_apitoken
    FOR EACH ROW EXECUTE FUNCTION governance_token_grant_immutable();

CREATE TRIGGER token_never_removed BEFORE DELETE ON governance_apitoken
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('token_never_removed', 'token');
CREATE TRIGGER token_never_removed_truncate BEFORE TRUNCATE ON governance_apitoken
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('token_never_removed', 'token');
