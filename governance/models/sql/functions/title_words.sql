-- The words by which the list of all contracts finds them: those of the title alone, because every
-- change of a contract's row writes this index again. Beside the laws for the same reason as
-- governance_contract_words, and dear for the planner: a word that hardly any title has is looked up,
-- not looked for.
CREATE OR REPLACE FUNCTION governance_title_words(title text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 3000 SET search_path = @schema@, pg_temp AS $$
    SELECT to_tsvector('pg_catalog.english', title)
$$;
