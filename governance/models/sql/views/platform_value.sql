-- REGISTRY: every value that is recorded, that was observed since it was recorded, or both. `observed_at`
-- is null unless the scope was observed after the recorded value was set. `value` is what the platform
-- holds as far as anybody knows: the observed value, unless it hides a secret, and otherwise the
-- recorded one. A key without a value has SQL's NULL, or the JSON value null.
CREATE OR REPLACE VIEW governance_platformvalue AS
SELECT scope, key, origin_id, recorded, observed, observed_at,
       CASE WHEN observed_at IS NULL OR observed::text ~ '"(hmac-sha256:|secret://\?")'
            THEN recorded ELSE observed END AS value
  FROM (SELECT present.scope, present.key, present.origin_id, present.value AS recorded,
               CASE WHEN present.key = '' THEN seen.state -> 'lifecycle'
                    ELSE seen.state -> 'configuration' -> present.key END AS observed,
               seen.observed_at
          FROM (SELECT name AS scope, '' AS key, to_jsonb(lifecycle) AS value, origin_id
                  FROM governance_capability
                 UNION ALL
                SELECT scope, key, value, origin_id FROM governance_configurationentry) present
          LEFT JOIN LATERAL (
               SELECT state, observed_at FROM governance_observedstate
                WHERE scope = present.scope AND state IS NOT NULL
                  AND observed_at > (SELECT changed_at FROM governance_registrychange
                                      WHERE id = present.origin_id) LIMIT 1) seen ON true
         UNION ALL
        -- What was observed and is not recorded, unless a step has removed it since.
        SELECT seen.scope, one.key, NULL, NULL, one.value, seen.observed_at
          FROM governance_observedstate seen
         CROSS JOIN LATERAL jsonb_each(seen.state -> 'configuration') one
         WHERE (SELECT id FROM governance_configurationentry
                 WHERE scope = seen.scope AND key = one.key LIMIT 1) IS NULL
           AND (SELECT id FROM governance_registrychange
                 WHERE scope = seen.scope AND key = one.key AND changed_at >= seen.observed_at
                 LIMIT 1) IS NULL) held;
