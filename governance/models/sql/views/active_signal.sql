-- Signals: those that count now, which are neither superseded nor expired. The end of a signal is the
-- first moment at which it no longer counts, and PostgreSQL's clock decides.
CREATE OR REPLACE VIEW governance_activesignal AS
SELECT id, scope, signal_type, decision, reason, recorded_by_id, recorded_at, expires_at
  FROM governance_governancesignal
 WHERE superseded_at IS NULL AND (expires_at IS NULL OR expires_at > governance_now());
