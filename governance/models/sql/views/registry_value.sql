-- REGISTRY: every value of the registry with its origin, whether it is verified, and what was observed
-- since it was set (platform_value.sql). A FAIL whose check of fidelity (A-003) did not fail refutes no
-- value: another check failed. A contract that was removed has left its status in its tombstone.
CREATE OR REPLACE VIEW governance_registryvalue AS
SELECT change.id, present.scope, present.key, present.recorded AS value, change.changed_at,
       change.registry_import_id, change.contract_id, change.job_id, change.step_index,
       CASE WHEN change.registry_import_id IS NOT NULL THEN 'IMPORTED'
            WHEN contract.audit_verdict = 'PASS' OR removed.status = 'COMPLETED' THEN 'VERIFIED'
            WHEN contract.audit_verdict = 'FAIL'
                 AND (audit.checks = '[]' OR audit.checks @> '[{"id": "A-003", "outcome": "FAIL"}]')
                 OR removed.status = 'FAILED' THEN 'REFUTED'
            ELSE 'REPORTED' END AS verification,
       present.observed AS observed_value, present.observed_at
  FROM governance_platformvalue present
  JOIN governance_registrychange change ON change.id = present.origin_id
  LEFT JOIN governance_systemcontract contract ON contract.id = change.contract_id
  LEFT JOIN governance_governanceaudit audit ON audit.job_id = change.job_id
  LEFT JOIN governance_contracttombstone removed ON removed.contract_id = change.contract_id;
