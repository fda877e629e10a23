-- Extracts of `marquetry sample` → the plain tables that both sides of the benchmark read. Not timed.
SET preserve_insertion_order = true;
CREATE TEMP TABLE person AS
SELECT id AS person_id, property_ga_client_id AS anonymous_id, lower(trim(property_email)) AS email,
       property_company AS company, property_country AS country, property_createdate AS created_at,
       property_salesforcecontactid AS contact
FROM read_parquet('$EXTRACTS/hubspot/contact/*.parquet') WHERE NOT coalesce(_fivetran_deleted, false);
CREATE TEMP TABLE one_browser AS SELECT anonymous_id, min(person_id) AS person_id FROM person GROUP BY anonymous_id;
CREATE TEMP TABLE one_address AS SELECT email, min(person_id) AS person_id FROM person GROUP BY email;

-- Time in slices of one length, from 0.
CREATE TEMP TABLE span AS
SELECT min(event_timestamp) AS first, max(event_timestamp) - min(event_timestamp) + 1 AS length
FROM read_parquet('$EXTRACTS/ga4/event/*.parquet');
CREATE TEMP MACRO slice_of(micros) AS
  greatest(0, least($SLICES - 1, (micros - (SELECT first FROM span)) * $SLICES // (SELECT length FROM span)));
$TOUCHES
COPY (SELECT * FROM read_parquet([$TOUCH_FILES]))
TO '$TABLES/touches.parquet' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 500000);

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
