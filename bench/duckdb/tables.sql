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
  WHERE name IN ('lifecyclestage', 'hs_lead_status') AND contact_id IN (SELECT person_id FROM person)
  ORDER BY change_id
) TO '$TABLES/stage_history.parquet' (FORMAT parquet, COMPRESSION snappy);

COPY (
  SELECT p.person_id, a.segment_c AS segment, p.country, p.created_at
  FROM person AS p
  LEFT JOIN (SELECT lower(trim(name)) AS company, min(segment_c) AS segment_c
             FROM read_parquet('$EXTRACTS/salesforce/account/*.parquet') GROUP BY ALL) AS a
    ON a.company = lower(trim(p.company))
  ORDER BY person_id
) TO '$TABLES/persons.parquet' (FORMAT parquet, COMPRESSION snappy);

COPY (
  SELECT id AS opportunity_id, account_id, amount, created_date AS created_at,
         CASE WHEN is_closed THEN close_date::TIMESTAMP AT TIME ZONE 'UTC' END AS closed_at, is_won
  FROM read_parquet('$EXTRACTS/salesforce/opportunity/*.parquet') WHERE NOT coalesce(is_deleted, false)
  ORDER BY opportunity_id
) TO '$TABLES/opportunities.parquet' (FORMAT parquet, COMPRESSION snappy);

COPY (
  SELECT DISTINCT r.opportunity_id, p.person_id
  FROM read_parquet('$EXTRACTS/salesforce/opportunity_contact_role/*.parquet') AS r
  JOIN person AS p ON p.contact = r.contact_id WHERE NOT coalesce(r.is_deleted, false)
  ORDER BY ALL
) TO '$TABLES/opportunity_contact_roles.parquet' (FORMAT parquet, COMPRESSION snappy);

CREATE TEMP TABLE account AS
SELECT id, name, website FROM read_parquet('$EXTRACTS/salesforce/account/*.parquet');
COPY (
  SELECT c.id, c.email, c.phone, c.first_name, c.last_name, a.name AS company, a.website AS domain,
         c.mailing_country AS country, c.title, c.created_date AS created_at, c.system_modstamp AS updated_at
  FROM read_parquet('$EXTRACTS/salesforce/contact/*.parquet') AS c LEFT JOIN account AS a ON a.id = c.account_id
  WHERE c.id IS NOT NULL
) TO '$TABLES/sf_contacts.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (
  SELECT id, email, phone, first_name, last_name, company, website AS domain, country, title,
         created_date AS created_at, system_modstamp AS updated_at
  FROM read_parquet('$EXTRACTS/salesforce/lead/*.parquet') WHERE id IS NOT NULL
) TO '$TABLES/sf_leads.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (
  SELECT id::VARCHAR AS id, property_email AS email, property_phone AS phone, property_firstname AS first_name,
         property_lastname AS last_name, property_company AS company, NULL::VARCHAR AS domain,
         property_country AS country, property_jobtitle AS title, property_createdate AS created_at,
         property_lastmodifieddate AS updated_at
  FROM read_parquet('$EXTRACTS/hubspot/contact/*.parquet') WHERE id IS NOT NULL
) TO '$TABLES/hubspots.parquet' (FORMAT parquet, COMPRESSION snappy);
