-- Two window passes over the recorded changes only; skipped stages are counted there and unnested last.
COPY (
WITH stage(label, rank) AS (VALUES
  ('subscriber', 1), ('newsletter subscriber', 1), ('lead', 2), ('new', 2), ('open - not contacted', 2),
  ('mql', 3), ('marketing qualified', 3), ('marketing qualified lead', 3), ('marketingqualifiedlead', 3),
  ('sal', 4), ('sales accepted', 4), ('sql', 5), ('sales qualified', 5), ('salesqualifiedlead', 5),
  ('working - qualified', 5), ('opportunity', 6), ('opp', 6), ('customer', 7), ('closed won', 7),
  ('disqualified', NULL), ('junk', NULL), ('unqualified', NULL)),
known AS (
  SELECT person_id, changed_at, change_id, coalesce(rank, 0)::TINYINT AS rank
  FROM read_parquet('$TABLES/stage_history.parquet') JOIN stage ON lower(trim(stage_label)) = label
  WHERE person_id IS NOT NULL),
changed AS (
  SELECT *,
         coalesce(max(rank) OVER (before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::TINYINT AS top,
         last_value(nullif(rank, 0) IGNORE NULLS) OVER (before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS was
  FROM known
  WINDOW before AS (PARTITION BY person_id ORDER BY changed_at, CASE WHEN rank = 0 THEN 99 ELSE rank END, change_id)
  QUALIFY rank IS DISTINCT FROM lag(rank) OVER before),
filling AS (
  SELECT *, CASE WHEN rank > top + 1 THEN rank - top - 1 ELSE 0 END::INTEGER AS filled,
         CASE WHEN rank > top + 1 THEN (1::INTEGER << rank::INTEGER) - (1::INTEGER << (top + 1)::INTEGER) ELSE 0 END AS mask
  FROM changed),
numbered AS (
  SELECT *, sum(filled + 1) OVER w AS last_seq, lead(changed_at) OVER w AS next_at,
         (bit_or(mask) OVER (w ROWS UNBOUNDED PRECEDING) >> rank::INTEGER) & 1 AS was_filled,
         (sum(1::HUGEINT << (14 * rank)::INTEGER) OVER (w ROWS UNBOUNDED PRECEDING) >> (14 * rank)::INTEGER) & 16383 AS nth
  FROM filling
  WINDOW w AS (PARTITION BY person_id ORDER BY changed_at, CASE WHEN rank = 0 THEN 99 ELSE rank END, change_id)),
unfolded AS (SELECT *, unnest(range(filled + 1)) AS k FROM numbered)
SELECT person_id, (last_seq - k)::INTEGER AS event_seq, nullif(rank - k, 0)::INTEGER AS stage_rank,
       changed_at AS entered_at, CASE WHEN k = 0 THEN next_at ELSE changed_at END AS exited_at,
       CASE WHEN k = 0 THEN nth + was_filled ELSE 1 END::INTEGER AS entry_number, k > 0 AS is_filled,
       k = 0 AND rank > 0 AND coalesce(rank < was, false) AS is_regression, k = 0 AND next_at IS NULL AS is_current,
       CASE WHEN k = 0 THEN change_id END AS change_id
FROM unfolded
) TO '$OUT/lifecycle_events.parquet' (FORMAT parquet, COMPRESSION snappy);
