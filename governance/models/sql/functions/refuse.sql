-- Every law refuses through this one function, so that the refusal always carries the law's name
-- as its constraint and one place in Python (governance/ledger/refusals.py) can translate it.
CREATE OR REPLACE FUNCTION governance_refuse(law text, message text) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = law, MESSAGE = message;
END $$;
