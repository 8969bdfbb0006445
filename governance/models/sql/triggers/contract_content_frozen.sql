-- CONTRACT-005: the content of a contract does not change from ELIGIBLE on, the approval does not
-- change from APPROVED on, and the origin (id, reference, source, proposer, parent, and the contract
-- that it repeats or rolls back) never changes. The trigger is in contract_frozen_columns.sql.
CREATE OR REPLACE FUNCTION governance_contract_content_frozen() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.reference, NEW.source, NEW.requested_by, NEW.proposed_by_id,
        NEW.parent_id, NEW.repeats_id, NEW.rolls_back_id, NEW.proposal_digest, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.reference, OLD.source, OLD.requested_by, OLD.proposed_by_id,
        OLD.parent_id, OLD.repeats_id, OLD.rolls_back_id, OLD.proposal_digest, OLD.created_at)
    THEN
        PERFORM governance_refuse('contract_origin_frozen',
            'The origin of a contract (reference, source, proposer, parent) never changes.');
    END IF;

    IF OLD.status NOT IN ('DRAFT', 'VALIDATED') AND
       (NEW.title, NEW.description, NEW.proposed_changes, NEW.affected_capabilities,
        NEW.risk_level, NEW.risk_asked, NEW.validator_verdict, NEW.eligibility_verdict,
        NEW.confidence_score, NEW.eligibility_decision, NEW.plan, NEW.content_digest, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.title, OLD.description, OLD.proposed_changes, OLD.affected_capabilities,
        OLD.risk_level, OLD.risk_asked, OLD.validator_verdict, OLD.eligibility_verdict,
        OLD.confidence_score, OLD.eligibility_decision, OLD.plan, OLD.content_digest, OLD.expires_at)
    THEN
        PERFORM governance_refuse('contract_content_frozen',
            'The content of a contract does not change from ELIGIBLE on.');
    END IF;

    IF OLD.status NOT IN ('DRAFT', 'VALIDATED', 'ELIGIBLE') AND
       (NEW.approved_by_id, NEW.approved_at, NEW.approved_digest, NEW.approval_note,
        NEW.window_opens_at, NEW.window_closes_at, NEW.approval_kind, NEW.authorisation_sha256)
       IS DISTINCT FROM
       (OLD.approved_by_id, OLD.approved_at, OLD.approved_digest, OLD.approval_note,
        OLD.window_opens_at, OLD.window_closes_at, OLD.approval_kind, OLD.authorisation_sha256)
    THEN
        PERFORM governance_refuse('contract_approval_frozen', 'An approval does not change.');
    END IF;
    RETURN NEW;
END $$;
