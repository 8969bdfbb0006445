-- RISK: the risk of a contract is never lowered. A contract that becomes ELIGIBLE has at least the risk
-- that follows from it: the validator's severity, what the proposer asked for, and high for the whole
-- system, for a capability that is disabled, and for more than 10 changes. From then on its risk does
-- not change (contract_content_frozen.sql). governance/domain/risk.py has the same rule.
CREATE OR REPLACE FUNCTION governance_risk_rank(risk text) RETURNS integer
IMMUTABLE
RETURN array_position(ARRAY['low', 'medium', 'high', 'critical'], risk);

CREATE OR REPLACE FUNCTION governance_contract_risk_derived() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    is_grave boolean;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF governance_risk_rank(NEW.risk_level) < governance_risk_rank(OLD.risk_level) THEN
            PERFORM governance_refuse('contract_risk_derived',
                'The risk of a contract is never lowered.');
        END IF;
        IF NEW.status = OLD.status THEN
            RETURN NEW;
        END IF;
    END IF;
    -- A rollback takes the risk of the contract that it undoes (contract_rolls_back.sql).
    IF NEW.rolls_back_id IS NOT NULL THEN
        RETURN NEW;
    END IF;
    is_grave := 'SYSTEM' = ANY (NEW.affected_capabilities)
        OR jsonb_path_exists(NEW.proposed_changes, '$[10]')
        OR jsonb_path_exists(NEW.proposed_changes, '$[*] ? (@.type == "capability_disable")');
    IF NEW.status = 'ELIGIBLE' AND governance_risk_rank(NEW.risk_level) < greatest(
           governance_risk_rank(NEW.validator_verdict ->> 'severity'),
           governance_risk_rank(NEW.risk_asked),
           CASE WHEN is_grave THEN governance_risk_rank('high') END) THEN
        PERFORM governance_refuse('contract_risk_derived',
            format('The risk of this contract is higher than %s.', NEW.risk_level));
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER contract_risk_derived
    BEFORE INSERT OR UPDATE OF status, risk_level ON governance_systemcontract
    FOR EACH ROW WHEN (NEW.status IN ('DRAFT', 'VALIDATED', 'ELIGIBLE'))
    EXECUTE FUNCTION governance_contract_risk_derived();
