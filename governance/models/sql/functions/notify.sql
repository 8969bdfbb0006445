-- Notices: write the same notice to each of some accounts and, if `to_signers`, to the founders whose
-- signatures counted for the contract's approval (as in inactive_signers.sql). Each gets it once.
CREATE OR REPLACE FUNCTION governance_notify(
    accounts bigint[], to_signers boolean, about uuid, what text, message text, at timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO governance_notice (account_id, kind, text, contract_id, created_at)
    SELECT account_id, what, message, about, at
      FROM (SELECT unnest(accounts) AS account_id
             UNION
            SELECT signature.founder_id
              FROM governance_systemcontract contract
              JOIN governance_approvalsignature signature
                   ON signature.contract_id = contract.id
                  AND signature.window_closes_at >= contract.approved_at
             WHERE to_signers AND contract.id = about) AS concerned
     ORDER BY account_id;
END $$;
