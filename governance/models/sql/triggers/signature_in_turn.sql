-- SIGN: a signature is a founder's, on an ELIGIBLE contract, on exactly its content and the stored
-- view, not by the proposer, and not by a founder whose last signature still counts. At commit: a
-- contract that becomes APPROVED has signatures of as many founders as the last signature requires,
-- all on the approved content and each with a window that contains the approval's; and the approval
-- equals the last signature. Only a rollback is approved without signatures, by an authorisation that
-- was given before (require_pre_authorised.sql).
CREATE OR REPLACE FUNCTION governance_signature_in_turn() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    contract governance_systemcontract%ROWTYPE;
    last_number integer;
    last_closes_at timestamptz;
BEGIN
    SELECT * INTO contract FROM governance_systemcontract WHERE id = NEW.contract_id FOR UPDATE;
    IF contract.status IS DISTINCT FROM 'ELIGIBLE' THEN
        PERFORM governance_refuse('signature_in_turn',
            format('A contract that is %s takes no signature.', contract.status));
    END IF;
    PERFORM governance_require_current(NEW.signed_at, NEW.contract_id);
    IF NEW.founder_id = contract.proposed_by_id THEN
        PERFORM governance_refuse('signature_four_eyes',
            'The proposer of a contract cannot sign it.');
    END IF;
    PERFORM governance_require_founder(NEW.founder_id);
    IF NEW.content_digest IS DISTINCT FROM contract.content_digest THEN
        PERFORM governance_refuse('signature_signs_content',
            'The signature is on other content than the content of the contract.');
    END IF;
    IF NEW.view_digest <> encode(sha256(convert_to(NEW.view, 'UTF8')), 'hex')
       OR (NEW.view::jsonb ->> 'content_digest') IS DISTINCT FROM NEW.content_digest THEN
        PERFORM governance_refuse('signature_signs_view',
            'The view digest is not that of the stored view, or the view is of other content.');
    END IF;

    SELECT max(number), max(window_closes_at) FILTER (WHERE founder_id = NEW.founder_id)
      INTO last_number, last_closes_at
      FROM governance_approvalsignature WHERE contract_id = contract.id;
    IF NEW.number <> coalesce(last_number, 0) + 1 THEN
        PERFORM governance_refuse('signature_in_turn',
            format('The next signature must have the number %s.', coalesce(last_number, 0) + 1));
    END IF;
    IF NEW.signed_at <= last_closes_at THEN
        PERFORM governance_refuse('signature_counts_once',
            'A founder can sign again only after the window of their last signature closed.');
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_approval_signed() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    last governance_approvalsignature%ROWTYPE;
    founders integer;
BEGIN
    IF NEW.approved_at IS NOT DISTINCT FROM OLD.approved_at THEN
        RETURN NULL;
    END IF;
    IF NEW.approval_kind = 'pre_authorised' THEN
        PERFORM governance_require_pre_authorised(NEW);
        RETURN NULL;
    END IF;
    SELECT * INTO last FROM governance_approvalsignature
     WHERE contract_id = NEW.id ORDER BY number DESC LIMIT 1;
    IF (last.founder_id, last.signed_at, last.note, last.content_digest,
        last.window_opens_at, last.window_closes_at)
       IS DISTINCT FROM
       (NEW.approved_by_id, NEW.approved_at, NEW.approval_note, NEW.approved_digest,
        NEW.window_opens_at, NEW.window_closes_at)
    THEN
        PERFORM governance_refuse('approval_signed',
            'The approval differs from the last signature of the contract.');
    END IF;
    SELECT count(DISTINCT founder_id) INTO founders FROM governance_approvalsignature
     WHERE contract_id = NEW.id AND content_digest = NEW.approved_digest
       AND window_opens_at <= NEW.window_opens_at AND NEW.window_closes_at <= window_closes_at;
    IF founders < last.quorum THEN
        PERFORM governance_refuse('approval_signed',
            format('%s of %s founders have signed for this window.', founders, last.quorum));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER signature_in_turn BEFORE INSERT ON governance_approvalsignature
    FOR EACH ROW EXECUTE FUNCTION governance_signature_in_turn();

-- The move to APPROVED sets approved_at: it is set after (`contract_approved_has_approval`) and
-- null before (`contract_approval_only_by_approving`).
CREATE CONSTRAINT TRIGGER approval_signed AFTER UPDATE OF approved_at ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_approval_signed();
