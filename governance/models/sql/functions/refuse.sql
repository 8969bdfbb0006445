-- Every guard refuses through this one function, so that the refusal always carries the guard's name
-- as its constraint and one place in Python (governance/db/errors.py) can translate it.
CREATE OR REPLACE FUNCTION governance_refuse(guard text, message text) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = guard, MESSAGE = message;
END $$;
