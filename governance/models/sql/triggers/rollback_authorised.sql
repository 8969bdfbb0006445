-- ROLLBACK: an authorisation is given with a signature, by the same founder, while the contract is
-- ELIGIBLE: of exactly the rollback of the signed plan, and with an end at most 168 hours after the
-- window. No rollback has one, so a rollback of a rollback is never automatic. At commit: a signature
-- that names an authorisation has it.
CREATE OR REPLACE FUNCTION governance_rollback_authorised() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    contract governance_systemcontract%ROWTYPE;
    signature governance_approvalsignature%ROWTYPE;
    authorised jsonb := NEW.body::jsonb;
BEGIN
    SELECT * INTO contract FROM governance_systemcontract WHERE id = NEW.contract_id FOR UPDATE;
    SELECT * INTO signature FROM governance_approvalsignature WHERE id = NEW.signature_id;
    IF contract.status IS DISTINCT FROM 'ELIGIBLE' OR contract.rolls_back_id IS NOT NULL THEN
        PERFORM governance_refuse('rollback_authorised',
            'Only with a signature on an ELIGIBLE contract, which is no rollback itself, is a '
            'rollback authorised.');
    END IF;
    IF (signature.contract_id, signature.founder_id, signature.authorisation_sha256)
       IS DISTINCT FROM (NEW.contract_id, NEW.founder_id, NEW.sha256)
       OR NEW.sha256 <> encode(sha256(convert_to(NEW.body, 'UTF8')), 'hex')
       OR (authorised ->> 'contract_id', authorised ->> 'founder', authorised ->> 'signature')
          IS DISTINCT FROM
          (NEW.contract_id::text, NEW.founder_id::text, signature.number::text)
       OR (authorised ->> 'ends_at')::timestamptz IS DISTINCT FROM NEW.ends_at
    THEN
        PERFORM governance_refuse('rollback_authorised',
            'The authorisation is not the one that the signature names.');
    END IF;
    IF NEW.ends_at <= signature.signed_at
       OR NEW.ends_at > signature.window_closes_at + interval '168 hours' THEN
        PERFORM governance_refuse('rollback_authorised',
            'The authorisation ends in the past, or more than 168 hours after the window.');
    END IF;
    IF authorised -> 'steps' IS DISTINCT FROM (
        SELECT jsonb_agg(step -> 'rollback_action' ORDER BY number DESC)
          FROM jsonb_array_elements(contract.plan) WITH ORDINALITY AS planned (step, number))
       OR jsonb_path_exists(authorised, '$.steps[*] ? (@ == null)') THEN
        PERFORM governance_refuse('rollback_authorised',
            'The authorised steps are not the rollback of the plan.');
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_authorisation_exists() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM governance_rollbackauthorisation
                    WHERE signature_id = NEW.id AND sha256 = NEW.authorisation_sha256) THEN
        PERFORM governance_refuse('rollback_authorised',
            'The signature names an authorisation that does not exist.');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER rollback_authorised BEFORE INSERT ON governance_rollbackauthorisation
    FOR EACH ROW EXECUTE FUNCTION governance_rollback_authorised();

CREATE CONSTRAINT TRIGGER authorisation_exists AFTER INSERT ON governance_approvalsignature
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.authorisation_sha256 IS NOT NULL)
    EXECUTE FUNCTION governance_authorisation_exists();

CREATE TRIGGER rollback_authorisation_append_only
    BEFORE UPDATE OR DELETE ON governance_rollbackauthorisation
    FOR EACH ROW EXECUTE FUNCTION governance_append_only(
        'rollback_authorisation_append_only', 'rollback authorisation');
CREATE TRIGGER rollback_authorisation_append_only_truncate
    BEFORE TRUNCATE ON governance_rollbackauthorisation
    FOR EACH STATEMENT EXECUTE FUNCTION governance_append_only(
        'rollback_authorisation_append_only', 'rollback authorisation');
