-- Everything that differs between copies, for the copies with the numbers $1 to $2, which are
-- between $3 and $4 minutes older than their original, the oldest first. filling.py replaces
-- {seed}, {verbs} and the others.
copies AS MATERIALIZED (
    SELECT n,
           {seed} || ':' || n AS chance_id,
           'LOAD-' || lpad(n::text, 9, '0') AS reference,
           concat(
               ({verbs})[1 + floor(chance[1] * {number_of_verbs})], ' ',
               ({objects})[1 + floor(chance[2] * {number_of_objects})], ' for ',
               ({audiences})[1 + floor(chance[3] * {number_of_audiences})],
               CASE WHEN chance[4] < 0.08
                    THEN ', because of the '
                         || ({middling})[1 + floor(chance[4] / 0.08 * {number_of_middling})] END,
               CASE WHEN chance[5] < 0.0004
                    THEN ' and the ' || ({rare})[1 + floor(chance[5] / 0.0004 * {number_of_rare})] END
           ) AS title,
           'This request is number ' || n || ', and the desk hears of it every week.' AS description,
           -- A skewed choice: few capabilities have many contracts, and most have few.
           ({areas})[1 + (pick / {number_of_aspects})::int]
               || ({aspects})[1 + (pick % {number_of_aspects})::int]
               || {own_suffix} AS capability,
           ({sources})[1 + floor(chance[7] * {number_of_sources})] AS source,
           floor($4 - ($4 - $3) * (n - $1 + chance[8]) / ($2 - $1 + 1)) * interval '1 minute' AS age
      FROM generate_series($1, $2) AS n,
           LATERAL (
               SELECT array_agg((hashtextextended({seed} || ':' || n, what) & 9007199254740991)
                                / 9007199254740992.0::float8 ORDER BY what) AS chance
                 FROM generate_series(1, 8) AS what
           ) AS drawn,
           LATERAL (
               SELECT floor(power(chance[6], 2.5) * {number_of_areas} * {number_of_aspects})::bigint
                      AS pick
           ) AS picked
)
