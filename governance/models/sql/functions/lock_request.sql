-- Idempotency: lock a request until the transaction ends, and return its record if it has one from
-- the last 24 hours. If another transaction has the lock, `is_locked` is false. The record is read by
-- a statement of its own, whose snapshot shows what the last owner of the lock committed.
CREATE OR REPLACE FUNCTION governance_lock_request(key text, lifetime interval)
RETURNS TABLE (is_locked boolean, request_sha256 text, status integer, sealed_answer bytea)
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    -- Advisory locks are shared by all schemas of a database, but a key belongs to one schema.
    is_locked := pg_try_advisory_xact_lock(hashtextextended('@schema@ ' || key, 0));
    IF is_locked THEN
        DELETE FROM governance_idempotencyrecord
         WHERE key_sha256 = key AND kept_at <= governance_now() - lifetime;
        SELECT record.request_sha256, record.status, record.sealed_answer
          INTO request_sha256, status, sealed_answer
          FROM governance_idempotencyrecord record WHERE key_sha256 = key;
    END IF;
    RETURN NEXT;
END $$;
