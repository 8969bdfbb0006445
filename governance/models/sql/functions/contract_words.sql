-- The words by which the review queue finds a contract: of its title, its description and the
-- names of its capabilities. No law: what an index computes lives beside what the triggers call,
-- because whoever writes a contract runs it too. What it reads is frozen from ELIGIBLE on.
-- The cut keeps a proposal of very many names within what a tsvector can hold. The cost tells the
-- planner to look into the index rather than to compute this for every row.
CREATE OR REPLACE FUNCTION governance_contract_words(
    title text, description text, capabilities text[]
) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = @schema@, pg_temp AS $$
    SELECT to_tsvector('pg_catalog.english',
        left(title || ' ' || description || ' ' || array_to_string(capabilities, ' '), 200000))
$$;
