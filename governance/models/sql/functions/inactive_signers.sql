-- SIGN: the founders whose signatures counted for a contract's approval and who are no active
-- founders any more, by username. One of them is enough to hold the activation back. For a rollback
-- that was authorised before, those are the signatures on the contract that it undoes.
CREATE OR REPLACE FUNCTION governance_inactive_signers(of_contract uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    -- MATERIALIZED, because the planner would ask for the role of every account before it joins.
    RETURN ARRAY(
        WITH signers AS MATERIALIZED (
            SELECT DISTINCT signature.founder_id
              FROM governance_systemcontract approved
              JOIN governance_systemcontract contract
                   ON contract.id = CASE WHEN approved.approval_kind = 'pre_authorised'
                                         THEN approved.rolls_back_id ELSE approved.id END
              JOIN governance_approvalsignature signature
                   ON signature.contract_id = contract.id
                  AND signature.window_closes_at >= contract.approved_at
             WHERE approved.id = of_contract)
        SELECT person.username::text
          FROM signers
          JOIN governance_account person ON person.id = signers.founder_id
         WHERE NOT governance_has_role(signers.founder_id, 'Founder')
         ORDER BY 1);
END $$;
