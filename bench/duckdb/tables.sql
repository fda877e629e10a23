-- Extracts of `marquetry sample` → the plain tables that both sides of the benchmark read. Not timed.
CREATE TEMP TABLE person AS
SELECT id AS person_id, property_ga_client_id AS anonymous_id, lower(trim(property_email)) AS email,
       property_company AS company, property_country AS country, property_createdate AS created_at,
       property_salesforcecontactid AS contact
FROM read_parquet('$EXTRACTS/hubspot/contact/*.parquet') WHERE NOT coalesce(_fivetran_deleted, false);
CREATE TEMP TABLE one_browser AS SELECT anonymous_id, min(person_id) AS person_id FROM person GROUP BY anonymous_id;
CREATE TEMP TABLE one_address AS SELECT email, min(person_id) AS person_id FROM person GROUP BY email;

COPY (
  WITH page AS (
    SELECT user_pseudo_id, event_timestamp, event_name,
           list_extract(list_filter(event_params, lambda p: p.key = 'page_location'), 1).value.string_value AS url,
           list_extract(list_filter(event_params, lambda p: p.key = 'page_referrer'), 1).value.string_value AS referrer
    FROM read_parquet('$EXTRACTS/ga4/event/*.parquet')),
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
    FROM read_parquet('$EXTRACTS/hubspot/email_event/*.parquet') WHERE type IN ('OPEN', 'CLICK'))
  SELECT row_number() OVER (ORDER BY occurred_at, s.anonymous_id, s.email, event_type, landing_url, referrer) AS touch_id,
         coalesce(b.person_id, e.person_id) AS person_id, s.anonymous_id, occurred_at, event_type,
         utm_source, utm_medium, utm_campaign, referrer, landing_url, gclid
  FROM seen AS s LEFT JOIN one_browser AS b ON b.anonymous_id = s.anonymous_id LEFT JOIN one_address AS e ON e.email = s.email
  ORDER BY touch_id
) TO '$TABLES/touches.parquet' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 500000);

COPY (
  SELECT row_number() OVER (ORDER BY hash(contact_id, timestamp, name, value), contact_id, timestamp, name, value)
           AS change_id,
         contact_id AS person_id, value AS stage_label, timestamp AS changed_at
  FROM read_parquet('$EXTRACTS/hubspot/contact_property_history/*.parquet')
  WHERE name IN ('lifecyclestage', 'hs_lead_status')
  ORDER BY change_id
) TO '$TABLES/stage_history.parquet' (FORMAT parquet, COMPRESSION snappy);
