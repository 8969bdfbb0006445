-- CONTRACT-005: the columns that contract_content_frozen.sql looks at. An UPDATE that names none of
-- them cannot change them, and does not pay for comparing a long plan with itself.
DROP TRIGGER IF EXISTS contract_content_frozen ON governance_systemcontract;
CREATE TRIGGER contract_content_frozen BEFORE UPDATE OF
    id, reference, source, requested_by, proposed_by_id, parent_id, proposal_digest, created_at,
    title, description, proposed_changes, affected_capabilities, risk_level, validator_verdict,
    eligibility_verdict, confidence_score, eligibility_decision, plan, content_digest, expires_at,
    approved_by_id, approved_at, approved_digest, approval_note, window_opens_at, window_closes_at
    ON governance_systemcontract
    FOR EACH ROW EXECUTE FUNCTION governance_contract_content_frozen();
ALTER TABLE governance_systemcontract ENABLE ALWAYS TRIGGER contract_content_frozen;
