-- REGISTRY: a row of the registry changes only with a COMPLETED step result that sets its value, or
-- with a registry import. Each change is a row of its own, and the registry's row names the newest
-- one (`origin_id`). Two running jobs never have overlapping scopes, so no two results set the same
-- value at once.
CREATE OR REPLACE FUNCTION governance_registry_follow_result() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    step record;
    one record;
    origin bigint;
    row_key text;
BEGIN
    SELECT planned.change, planned.name_keys, job.contract_id INTO step
      FROM governance_jobstep planned JOIN governance_governancejob job ON job.id = planned.job_id
     WHERE planned.job_id = NEW.job_id AND planned.step_index = NEW.step_index;
    FOR one IN SELECT * FROM governance_values_set_by(step.change) LOOP
        -- A capability that is not registered has no lifecycle to follow.
        CONTINUE WHEN one.key = '' AND NOT EXISTS (
            SELECT FROM governance_capability WHERE name = one.scope);
        INSERT INTO governance_registrychange
               (scope, key, value, changed_at, contract_id, job_id, step_index)
        VALUES (one.scope, one.key, one.value, NEW.recorded_at, step.contract_id, NEW.job_id,
                NEW.step_index)
        RETURNING id INTO origin;
        IF one.key = '' THEN
            UPDATE governance_capability SET lifecycle = one.value #>> '{}', origin_id = origin
             WHERE name = one.scope;
            CONTINUE;
        END IF;
        UPDATE governance_configurationentry SET value = one.value, origin_id = origin
         WHERE scope = one.scope AND key = one.key;
        CONTINUE WHEN FOUND;
        -- Python computes the keys of names at activation; a job of an earlier version has none.
        row_key := coalesce(step.name_keys ->> one.key, one.key);
        INSERT INTO governance_configurationentry
               (scope, key, name_key, resembles_id, value, origin_id)
        VALUES (one.scope, one.key, row_key,
                (SELECT id FROM governance_configurationentry
                  WHERE scope = one.scope AND name_key = row_key AND resembles_id IS NULL),
                one.value, origin);
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER registry_follows_result AFTER INSERT ON governance_stepresult
    FOR EACH ROW WHEN (NEW.status = 'COMPLETED')
    EXECUTE FUNCTION governance_registry_follow_result();

-- Only the trigger above writes the change of a step: a statement outside of triggers is refused. Only
-- the transaction of an import writes its changes.
CREATE OR REPLACE FUNCTION governance_registry_change_has_origin() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NEW.registry_import_id IS NULL THEN
        PERFORM governance_refuse('registry_follows',
            'Only the result of a step makes a change of the registry without an import.');
    ELSIF NOT EXISTS (
        SELECT FROM governance_registryimport
         WHERE id = NEW.registry_import_id
           AND transaction_id = pg_current_xact_id()::text::bigint) THEN
        PERFORM governance_refuse('registry_follows',
            'The changes of an import are written in its own transaction.');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER registry_change_has_origin BEFORE INSERT ON governance_registrychange
    FOR EACH ROW WHEN (NEW.registry_import_id IS NOT NULL OR pg_trigger_depth() = 0)
    EXECUTE FUNCTION governance_registry_change_has_origin();

CREATE OR REPLACE FUNCTION governance_registry_import_is_now() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    NEW.transaction_id := pg_current_xact_id()::text::bigint;
    PERFORM governance_require_current(NEW.imported_at);
    RETURN NEW;
END $$;

CREATE TRIGGER registry_import_is_now BEFORE INSERT ON governance_registryimport
    FOR EACH ROW EXECUTE FUNCTION governance_registry_import_is_now();

CREATE OR REPLACE FUNCTION governance_require_newest_change(
    wanted_scope text, wanted_key text, wanted_value jsonb, origin bigint
) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    newest record;
BEGIN
    SELECT id, value INTO newest FROM governance_registrychange
     WHERE scope = wanted_scope AND key = wanted_key ORDER BY id DESC LIMIT 1;
    IF newest.id IS DISTINCT FROM origin OR newest.value IS DISTINCT FROM wanted_value THEN
        PERFORM governance_refuse('registry_follows',
            format('%s of %s changes only with the result of a step, or with an import.',
                   coalesce(nullif(wanted_key, ''), 'The lifecycle'), wanted_scope));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance_capability_follows() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_newest_change(
        NEW.name, '', to_jsonb(NEW.lifecycle), NEW.origin_id);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_configuration_follows() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    PERFORM governance_require_newest_change(NEW.scope, NEW.key, NEW.value, NEW.origin_id);
    RETURN NEW;
END $$;

-- What the trigger above writes needs no check: no other trigger writes to these tables.
CREATE TRIGGER registry_follows BEFORE INSERT OR UPDATE OF lifecycle, origin_id
    ON governance_capability
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION governance_capability_follows();
CREATE TRIGGER registry_follows BEFORE INSERT OR UPDATE OF value, origin_id
    ON governance_configurationentry
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION governance_configuration_follows();

-- At the commit, the registry has what each import set.
CREATE OR REPLACE FUNCTION governance_registry_has_import() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM governance_capability
         WHERE NEW.key = '' AND name = NEW.scope AND origin_id >= NEW.id
        UNION ALL
        SELECT FROM governance_configurationentry
         WHERE scope = NEW.scope AND key = NEW.key AND origin_id >= NEW.id) THEN
        PERFORM governance_refuse('registry_follows',
            format('The import of %s is not in the registry.', NEW.scope));
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER registry_has_import AFTER INSERT ON governance_registrychange
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.registry_import_id IS NOT NULL)
    EXECUTE FUNCTION governance_registry_has_import();

-- Of a capability, only the title and the owner can be edited.
CREATE TRIGGER registry_row_kept BEFORE DELETE OR UPDATE OF id, name, name_key, resembles_id, frozen,
    components, proposal, stages, secret_keys ON governance_capability
    FOR EACH ROW EXECUTE FUNCTION governance_append_only('registry_row_kept', 'capability');
CREATE TRIGGER registry_row_kept_truncate BEFORE TRUNCATE ON governance_capability
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('registry_row_kept', 'capability');
CREATE TRIGGER registry_row_kept BEFORE DELETE OR UPDATE OF id, scope, key, name_key, resembles_id
    ON governance_configurationentry
    FOR EACH ROW EXECUTE FUNCTION governance_append_only('registry_row_kept', 'configuration entry');
CREATE TRIGGER registry_row_kept_truncate BEFORE TRUNCATE ON governance_configurationentry
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('registry_row_kept', 'configuration entry');

CREATE TRIGGER registry_change_append_only BEFORE UPDATE OR DELETE ON governance_registrychange
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('registry_change_append_only', 'registry change');
CREATE TRIGGER registry_change_append_only_truncate BEFORE TRUNCATE ON governance_registrychange
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('registry_change_append_only', 'registry change');

CREATE TRIGGER registry_import_append_only BEFORE UPDATE OR DELETE ON governance_registryimport
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('registry_import_append_only', 'registry import');
CREATE TRIGGER registry_import_append_only_truncate BEFORE TRUNCATE ON governance_registryimport
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('registry_import_append_only', 'registry import');
