-- FREEZE: the change freezes that are active at a time, the one that ends last first. A freeze is
-- active from its start until it is lifted, or until its end.
CREATE OR REPLACE FUNCTION governance_active_freezes(moment timestamptz)
RETURNS SETOF governance_changefreeze
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT change_freeze.*
      FROM governance_changefreeze change_freeze
      LEFT JOIN governance_freezelift lift ON lift.freeze_id = change_freeze.id
     WHERE change_freeze.started_at <= moment AND moment < change_freeze.ends_at
       AND (lift.id IS NULL OR moment < lift.lifted_at)
     ORDER BY change_freeze.ends_at DESC, change_freeze.id DESC;
END;

-- Refuse a move while a change freeze is active, with its end and its reason.
CREATE OR REPLACE FUNCTION governance_refuse_active_freeze(moment timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    active_freeze record;
BEGIN
    SELECT active.ends_at, active.reason, person.username INTO active_freeze
      FROM governance_active_freezes(moment) active
      JOIN governance_account person ON person.id = active.started_by_id
     LIMIT 1;
    IF FOUND THEN
        PERFORM governance_refuse('change_freeze_active',
            format('%s froze changes until %s UTC: %s', active_freeze.username,
                   to_char(active_freeze.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                   active_freeze.reason),
            jsonb_build_object('until', governance_timestamp(active_freeze.ends_at),
                               'reason', active_freeze.reason));
    END IF;
END $$;
