-- Exact keys, connected components by contraction, golden rows by ordered picks. Of the letters that Unicode does not take apart, the names have ø.
CREATE TEMP TABLE code AS SELECT * FROM (VALUES ('US','1'), ('CA','1'), ('GB','44'), ('DE','49'), ('FR','33'),
  ('NL','31'), ('ES','34'), ('AU','61'), ('IN','91'), ('BR','55'), ('SE','46')) AS t(country, code);
CREATE TEMP TABLE rec AS
WITH raw AS (
  SELECT 'sf_contact:' || id AS record_key, 1 AS prio, * EXCLUDE (id) FROM read_parquet('$TABLES/sf_contacts.parquet')
  UNION ALL BY NAME
  SELECT 'sf_lead:' || id AS record_key, 2 AS prio, * EXCLUDE (id) FROM read_parquet('$TABLES/sf_leads.parquet')
  UNION ALL BY NAME
  SELECT 'hubspot:' || id AS record_key, 3 AS prio, * EXCLUDE (id) FROM read_parquet('$TABLES/hubspots.parquet')),
a AS (
  SELECT record_key, prio, created_at, updated_at, lower(trim(email)) AS e,
         regexp_replace(phone, '[^0-9]', '', 'g') AS digits, starts_with(trim(phone), '+') AS plus,
         nullif(trim(first_name), '') AS first_name, nullif(trim(last_name), '') AS last_name,
         nullif(trim(company), '') AS company, nullif(upper(trim(country)), '') AS country, nullif(trim(title), '') AS title,
         nullif(regexp_replace(replace(lower(strip_accents(first_name)), 'ø', 'o'), '[^a-z]', '', 'g'), '') AS fn,
         nullif(regexp_replace(replace(lower(strip_accents(last_name)), 'ø', 'o'), '[^a-z]', '', 'g'), '') AS ln,
         nullif(split_part(regexp_replace(lower(trim(domain)), '^(https?://)?(www\.)?', ''), '/', 1), '') AS dom
  FROM raw),
b AS (
  SELECT a.*,
         CASE WHEN regexp_matches(e, '^[^@\s]+@[^@\s]+\.[^@\s]+$')
               AND e NOT IN ('test@test.com', 'noemail@example.com') THEN e END AS address,
         CASE WHEN plus THEN digits WHEN starts_with(digits, '00') THEN substr(digits, 3)
              WHEN starts_with(digits, '0') AND c.code IS NOT NULL THEN c.code || substr(digits, 2)
              WHEN length(digits) <= 10 AND c.code IS NOT NULL THEN c.code || digits ELSE digits END AS number
  FROM a LEFT JOIN code AS c ON a.country = c.country),
c AS (
  SELECT *, CASE WHEN length(number) BETWEEN 8 AND 15 AND length(replace(digits, digits[1], '')) > 0 THEN number END AS phone,
         split_part(address, '@', 2) AS host, split_part(split_part(address, '@', 1), '+', 1) AS mailbox
  FROM b),
d AS (
  SELECT *,
         CASE WHEN mailbox = '' THEN NULL
              WHEN host NOT IN ('gmail.com', 'googlemail.com') THEN mailbox || '@' || host
              WHEN replace(mailbox, '.', '') <> '' THEN replace(mailbox, '.', '') || '@gmail.com' END AS k1,
         CASE WHEN coalesce(dom, host) NOT IN ('gmail.com', 'googlemail.com', 'yahoo.com', 'hotmail.com', 'outlook.com')
              THEN coalesce(dom, host) END AS company_domain
  FROM c)
SELECT (row_number() OVER ())::INTEGER AS rid, record_key, prio::TINYINT AS prio, address AS email, phone, first_name,
       last_name, company, dom AS domain, country, title, created_at, updated_at,
       k1, phone || '|' || ln AS k2, company_domain || '|' || fn || ' ' || ln AS k3
FROM d;
CREATE TEMP TABLE edges AS SELECT DISTINCT a, b FROM ($EDGES);
CREATE TEMP TABLE e AS SELECT a, b FROM edges;
CREATE TEMP TABLE comp AS SELECT id, id AS comp FROM (SELECT a AS id FROM edges UNION SELECT b FROM edges);
$ROUNDS
SELECT CASE WHEN count(*) > 0 THEN error('the components need another round') END FROM e;
CREATE TEMP TABLE o AS
SELECT rid, comp, (row_number() OVER w)::INTEGER AS o, min(record_key) OVER (PARTITION BY comp) AS cluster_id
FROM (SELECT rid, comp, prio, updated_at, record_key FROM rec JOIN comp AS c ON c.id = rid)
WINDOW w AS (PARTITION BY comp ORDER BY prio, updated_at DESC, record_key);
COPY (SELECT record_key, coalesce(cluster_id, record_key) AS cluster_id FROM rec LEFT JOIN o USING (rid))
TO '$OUT/person_map_crosswalk.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (
  SELECT any_value(cluster_id) AS cluster_id, $FIELDS, count(*)::INTEGER AS n_records,
         bit_count(bit_or(1::INTEGER << prio::INTEGER))::INTEGER AS n_sources,
         min(created_at) AS first_created_at, max(updated_at) AS last_updated_at
  FROM rec JOIN o USING (rid) GROUP BY comp
  UNION ALL
  SELECT record_key, email, phone, first_name, last_name, company, domain, country, title, 1, 1, created_at, updated_at
  FROM rec ANTI JOIN o USING (rid)
) TO '$OUT/person_map.parquet' (FORMAT parquet, COMPRESSION snappy);
