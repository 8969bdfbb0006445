-- Search: the words by which the review queue finds a contract, from its title, its description and
-- the names of its capabilities. The queue's search index is on this function, which reads only
-- columns that are frozen from ELIGIBLE on. The text is cut, because a tsvector holds less than
-- 1 MiB. The high cost makes the planner use the index instead of computing every row's words.
CREATE OR REPLACE FUNCTION governance_contract_words(
    title text, description text, capabilities text[]
) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = @schema@, pg_temp AS $$
    SELECT to_tsvector('pg_catalog.english',
        left(title || ' ' || description || ' ' || array_to_string(capabilities, ' '), 200000))
$$;
