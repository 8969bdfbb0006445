-- CONTRACT-005: the trigger of contract_content_frozen.sql, on the columns that its function
-- compares. An UPDATE of other columns does not pay for the comparison of a long plan.
CREATE TRIGGER contract_content_frozen BEFORE UPDATE OF
    id, reference, source, requested_by, proposed_by_id, parent_id, repeats_id, rolls_back_id,
    proposal_digest, created_at, title, description, proposed_changes, affected_capabilities, risk_level,
    risk_asked, validator_verdict, eligibility_verdict, confidence_score, eligibility_decision,
    plan, content_digest, expires_at,
    approved_by_id, approved_at, approved_digest, approval_note, window_opens_at, window_closes_at,
    approval_kind, authorisation_sha256
    ON governance_systemcontract
    FOR EACH ROW EXECUTE FUNCTION governance_contract_content_frozen();
