-- ACCESS: a new user name is ASCII, and no other one looks like it. The unique key of the column
-- `username_key` refuses the second. An account of an earlier version keeps its name, and has no key
-- if an older account's name looks like it.

-- What `name_key` (domain/names.py) gives for an ASCII user name.
CREATE OR REPLACE FUNCTION governance_username_key(username text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = @schema@, pg_temp AS $$
    SELECT replace(translate(lower(username COLLATE "C"), '01i', 'oll'), 'm', 'rn')
$$;

CREATE OR REPLACE FUNCTION governance_username_unlike_others() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.username = OLD.username THEN
        NEW.username_key := OLD.username_key;
        RETURN NEW;
    END IF;
    IF NEW.username !~ '^[A-Za-z0-9@.+_-]+$' THEN
        PERFORM governance_refuse('username_is_ascii',
            'A user name has only English letters, digits and @ . + - _.');
    END IF;
    NEW.username_key := governance_username_key(NEW.username);
    RETURN NEW;
END $$;

CREATE TRIGGER username_unlike_others BEFORE INSERT OR UPDATE OF username, username_key
    ON governance_account FOR EACH ROW EXECUTE FUNCTION governance_username_unlike_others();
