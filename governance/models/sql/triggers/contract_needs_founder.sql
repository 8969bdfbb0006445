-- SIGN: a contract is rejected by a founder, unless its eligibility verdict is MAY_NOT. An APPROVED
-- contract fails after its window passed unused, or because a founder withdraws the approval. It is
-- activated only while everybody whose signature counted is an active founder.
CREATE OR REPLACE FUNCTION governance_contract_needs_founder() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    inactive text[];
BEGIN
    IF NEW.status = 'REJECTED' AND NEW.eligibility_decision IS DISTINCT FROM 'MAY_NOT' THEN
        PERFORM governance_require_founder(NEW.closed_by_id);
    ELSIF OLD.status = 'APPROVED' AND NEW.status = 'FAILED' THEN
        IF NEW.closed_reason LIKE 'approval_withdrawn: %' THEN
            PERFORM governance_require_founder(NEW.closed_by_id);
        ELSIF NEW.closed_reason <> 'window_lapsed' OR NEW.closed_at <= NEW.window_closes_at THEN
            PERFORM governance_refuse('approval_ends_by_time_or_founder',
                'An approval ends when its window is over, or when a founder withdraws it.');
        END IF;
    ELSIF NEW.status = 'ACTIVE' AND OLD.status = 'APPROVED' THEN
        inactive := governance_inactive_signers(NEW.id);
        IF inactive <> '{}' THEN
            PERFORM governance_refuse('signer_not_active',
                format('No active founder any more, but signed this contract: %s.',
                       array_to_string(inactive, ', ')),
                jsonb_build_object('signers', inactive));
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER contract_needs_founder BEFORE UPDATE OF status ON governance_systemcontract
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION governance_contract_needs_founder();
