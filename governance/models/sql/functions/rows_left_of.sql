-- Retention: what is left in the database of a contract, in words; empty if nothing is. A removed
-- contract must have nothing left. Foreign keys of all other tables refer to these tables.
CREATE OR REPLACE FUNCTION governance_rows_left_of(contract uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp AS $$
    SELECT concat_ws(', ',
        CASE WHEN EXISTS (SELECT FROM governance_systemcontract WHERE id = contract)
             THEN 'contract' END,
        CASE WHEN EXISTS (SELECT FROM governance_ledgerentry WHERE contract_id = contract)
             THEN 'chain' END,
        CASE WHEN EXISTS (SELECT FROM governance_governancejob WHERE contract_id = contract)
             THEN 'job' END,
        CASE WHEN EXISTS (SELECT FROM governance_clarificationrequest WHERE contract_id = contract)
             THEN 'questions' END,
        CASE WHEN EXISTS (SELECT FROM governance_approvalsignature WHERE contract_id = contract)
             THEN 'signatures' END,
        CASE WHEN EXISTS (SELECT FROM governance_contractcomment WHERE contract_id = contract)
             THEN 'comments' END,
        CASE WHEN EXISTS (SELECT FROM governance_notice WHERE contract_id = contract)
             THEN 'notices' END)
$$;
