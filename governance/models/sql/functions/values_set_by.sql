-- REGISTRY: the values that a change sets, one row each. The lifecycle of a capability has the empty
-- key; the JSON value null is no value.
CREATE OR REPLACE FUNCTION governance_values_set_by(change jsonb)
RETURNS TABLE (scope text, key text, value jsonb)
IMMUTABLE
BEGIN ATOMIC
    SELECT change ->> 'capability_name', '',
           coalesce(change -> 'target_lifecycle', '"DISABLED"')
     WHERE change ->> 'type' IN ('capability_enable', 'capability_disable')
     UNION ALL
    SELECT change ->> 'scope', change ->> 'key', change -> 'new_value'
     WHERE change ->> 'type' = 'configuration_update'
     UNION ALL
    SELECT change ->> 'scope', one.key, one.value
      FROM jsonb_each(change -> 'parameters') one
     WHERE change ->> 'type' = 'parameter_change';
END;
