-- Search: the words by which the list of all contracts finds a contract. Only the title is indexed,
-- because every update of a contract's row writes this index again. The high cost makes the planner
-- use the index for a rare word instead of computing every row's words.
CREATE OR REPLACE FUNCTION governance_title_words(title text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 3000 SET search_path = @schema@, pg_temp AS $$
    SELECT to_tsvector('pg_catalog.english', title)
$$;
