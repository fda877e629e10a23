-- First entries by one pass of filtered minima; all pairs unnested from one row a person.
COPY (
WITH entries AS (
  SELECT person_id,
         min(entered_at) FILTER (stage_rank = 1) AS s1, min(entered_at) FILTER (stage_rank = 2) AS s2,
         min(entered_at) FILTER (stage_rank = 3) AS s3, min(entered_at) FILTER (stage_rank = 4) AS s4,
         min(entered_at) FILTER (stage_rank = 5) AS s5, min(entered_at) FILTER (stage_rank = 6) AS s6,
         min(entered_at) FILTER (stage_rank = 7) AS s7, bool_or(is_current AND stage_rank IS NULL) AS disqualified
  FROM read_parquet('$OUT/lifecycle_events.parquet') GROUP BY person_id),
known AS (
  SELECT coalesce(p.segment, 'Unknown') AS segment, e.*
  FROM entries AS e JOIN read_parquet('$TABLES/persons.parquet') AS p USING (person_id)),
pairs AS (
  SELECT segment, disqualified, unnest([
    {'pair': 1, 'a': s1, 'b': s2}, {'pair': 2, 'a': s2, 'b': s3}, {'pair': 3, 'a': s3, 'b': s4},
    {'pair': 4, 'a': s4, 'b': s5}, {'pair': 5, 'a': s5, 'b': s6}, {'pair': 6, 'a': s6, 'b': s7},
    {'pair': 7, 'a': s3, 'b': s5}, {'pair': 8, 'a': s2, 'b': s7}, {'pair': 9, 'a': s3, 'b': s7}]) AS x
  FROM known),
times AS (
  SELECT segment, date_trunc('month', x.a AT TIME ZONE 'UTC')::DATE AS cohort_month, x.pair AS pair, disqualified,
         epoch_us(x.b) - epoch_us(x.a) AS us
  FROM pairs WHERE x.a IS NOT NULL),
grouped AS (
  SELECT segment, cohort_month, pair, count(*) AS entered, count(us) AS converted,
         count(*) FILTER (us IS NULL AND disqualified) AS lost, avg(us) AS mean_us,
         quantile_cont(us, [0.5, 0.75, 0.9]) AS q
  FROM times GROUP BY ALL)
SELECT segment, cohort_month,
       (['subscriber','lead','mql','sal','sql','opportunity','mql','lead','mql'])[pair] AS from_stage,
       (['lead','mql','sal','sql','opportunity','customer','sql','customer','customer'])[pair] AS to_stage,
       entered, converted, lost, entered - converted - lost AS open, converted / entered AS conversion_rate,
       mean_us / 86400000000.0 AS mean_days, q[1] / 86400000000.0 AS p50_days, q[2] / 86400000000.0 AS p75_days,
       q[3] / 86400000000.0 AS p90_days
FROM grouped
) TO '$OUT/stage_velocity_summary.parquet' (FORMAT parquet, COMPRESSION snappy);
