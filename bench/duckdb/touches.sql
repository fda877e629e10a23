-- The touches of one slice of time, numbered in order: DuckDB numbers rows in memory, and not all of ten million
-- people's fit there.
COPY (
  WITH page AS (
    SELECT user_pseudo_id, event_timestamp, event_name,
           list_extract(list_filter(event_params, lambda p: p.key = 'page_location'), 1).value.string_value AS url,
           list_extract(list_filter(event_params, lambda p: p.key = 'page_referrer'), 1).value.string_value AS referrer
    FROM read_parquet('$EXTRACTS/ga4/event/*.parquet') WHERE slice_of(event_timestamp) = $SLICE),
  seen AS (
    SELECT user_pseudo_id AS anonymous_id, make_timestamptz(event_timestamp) AS occurred_at, event_name AS event_type,
           nullif(regexp_extract(url, '[?&]utm_source=([^&#]*)', 1), '') AS utm_source,
           nullif(regexp_extract(url, '[?&]utm_medium=([^&#]*)', 1), '') AS utm_medium,
           nullif(regexp_extract(url, '[?&]utm_campaign=([^&#]*)', 1), '') AS utm_campaign,
           referrer, url AS landing_url, nullif(regexp_extract(url, '[?&]gclid=([^&#]*)', 1), '') AS gclid,
           NULL AS email
    FROM page
    UNION ALL
    SELECT NULL, created, 'email_' || lower(type), 'hubspot', 'email', 'mail-' || email_campaign_id % 40,
           NULL, NULL, NULL, lower(trim(recipient))
    FROM read_parquet('$EXTRACTS/hubspot/email_event/*.parquet')
    WHERE type IN ('OPEN', 'CLICK') AND slice_of(epoch_us(created)) = $SLICE)
  SELECT $SLICE::BIGINT * 1_000_000_000
           + row_number() OVER (ORDER BY occurred_at, s.anonymous_id, s.email, event_type, landing_url, referrer) AS touch_id,
         coalesce(b.person_id, e.person_id) AS person_id, s.anonymous_id, occurred_at, event_type,
         utm_source, utm_medium, utm_campaign, referrer, landing_url, gclid
  FROM seen AS s LEFT JOIN one_browser AS b ON b.anonymous_id = s.anonymous_id LEFT JOIN one_address AS e ON e.email = s.email
  ORDER BY touch_id
) TO '$TABLES/touches-$SLICE.parquet' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 500000);
