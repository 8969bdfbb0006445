-- ACCESS: the account of an authority itself, a machine account, is made by a migration, and stays as
-- it was made: nobody logs in with it, it is in no group, has no permission of its own and no token.
CREATE OR REPLACE FUNCTION governance_machine_of(account bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN (SELECT machine FROM governance_account WHERE id = account);
END $$;

CREATE OR REPLACE FUNCTION governance_machine_account_closed() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM governance_refuse('machine_account_closed',
            format('%s is the account of an authority itself, and does not change.', OLD.username));
    ELSIF NOT (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = TG_RELID) THEN
        PERFORM governance_refuse('machine_account_by_owner',
            'Only a migration makes the account of an authority.');
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_machine_account_has_no_group() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF governance_machine_of(NEW.account_id) IS NOT NULL THEN
        PERFORM governance_refuse('machine_account_closed',
            'The account of an authority itself has no group and no permission of its own.');
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_machine_account_has_no_token() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF governance_machine_of(NEW.user_id) IS NOT NULL THEN
        PERFORM governance_refuse('machine_account_closed',
            'The account of an authority itself has no token.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER machine_account_made_by_owner BEFORE INSERT ON governance_account
    FOR EACH ROW WHEN (NEW.machine IS NOT NULL)
    EXECUTE FUNCTION governance_machine_account_closed();

CREATE TRIGGER machine_account_closed BEFORE UPDATE ON governance_account
    FOR EACH ROW WHEN (OLD.machine IS NOT NULL OR NEW.machine IS NOT NULL)
    EXECUTE FUNCTION governance_machine_account_closed();

CREATE TRIGGER machine_account_has_no_group BEFORE INSERT OR UPDATE ON governance_account_groups
    FOR EACH ROW EXECUTE FUNCTION governance_machine_account_has_no_group();

CREATE TRIGGER machine_account_has_no_permission
    BEFORE INSERT OR UPDATE ON governance_account_user_permissions
    FOR EACH ROW EXECUTE FUNCTION governance_machine_account_has_no_group();

CREATE TRIGGER machine_account_has_no_token BEFORE INSERT ON governance_apitoken
    FOR EACH ROW EXECUTE FUNCTION governance_machine_account_has_no_token();
