-- All invariants: raise the error by which a database guard refuses a write. The error has the name
-- of the guard as its constraint, which governance/db/errors.py translates into a domain error with
-- these details.
CREATE OR REPLACE FUNCTION governance_refuse(
    guard text, message text, details jsonb DEFAULT '{}'
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = guard, MESSAGE = message,
        DETAIL = details;
END $$;
