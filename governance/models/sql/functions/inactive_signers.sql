-- SIGN: the founders whose signatures counted for a contract's approval and who are no active
-- founders any more, by username. One of them is enough to hold the activation back.
CREATE OR REPLACE FUNCTION governance_inactive_signers(of_contract uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT person.username::text
          FROM governance_systemcontract contract
          JOIN governance_approvalsignature signature
               ON signature.contract_id = contract.id
              AND signature.window_closes_at >= contract.approved_at
          JOIN governance_account person ON person.id = signature.founder_id
         WHERE contract.id = of_contract AND NOT governance_has_role(person.id, 'Founder')
         ORDER BY 1);
END $$;
