-- Journeys by one join on person and window, totals by aggregation, running windows only; text goes out as ENUM. An ENUM's first value can come back as an empty text, so the campaigns begin with one.
DROP TYPE IF EXISTS x_ch; CREATE TEMP TYPE x_ch AS ENUM (SELECT DISTINCT channel FROM read_parquet('$OUT/fact_touches.parquet') WHERE channel IS NOT NULL UNION SELECT '(unattributed)' ORDER BY 1);
DROP TYPE IF EXISTS x_src; CREATE TEMP TYPE x_src AS ENUM (SELECT DISTINCT source FROM read_parquet('$OUT/fact_touches.parquet') WHERE source IS NOT NULL ORDER BY 1);
DROP TYPE IF EXISTS x_camp; CREATE TEMP TYPE x_camp AS ENUM (SELECT DISTINCT campaign FROM read_parquet('$OUT/fact_touches.parquet') WHERE campaign IS NOT NULL UNION SELECT '' ORDER BY 1);
CREATE OR REPLACE TEMP TABLE won AS SELECT (row_number() OVER ())::INTEGER AS oi, opportunity_id, amount, (amount * 100)::BIGINT AS cents, created_at AS opp_created, closed_at FROM read_parquet('$TABLES/opportunities.parquet') WHERE is_won AND closed_at IS NOT NULL AND amount > 0;
CREATE OR REPLACE TEMP TABLE ro AS SELECT DISTINCT w.oi, r.person_id FROM read_parquet('$TABLES/opportunity_contact_roles.parquet') r JOIN won w USING (opportunity_id);
CREATE OR REPLACE TEMP TABLE tgt AS SELECT ro.person_id, won.oi, epoch_us(won.closed_at) AS conv, epoch_us(won.opp_created) AS oc, epoch_us(min(p.created_at) OVER (PARTITION BY won.oi)) AS lc, won.closed_at, won.closed_at - INTERVAL 7776000 SECONDS AS lo FROM ro JOIN won USING (oi) JOIN read_parquet('$TABLES/persons.parquet') p USING (person_id);
CREATE OR REPLACE TEMP TABLE cand AS SELECT g.oi, t.touch_id, t.person_id, t.occurred_at, t.channel::x_ch AS channel, t.source::x_src AS source, t.campaign::x_camp AS campaign, t.channel <> 'Direct' AS nd, epoch_us(t.occurred_at) <= g.lc AS pl, epoch_us(t.occurred_at) <= g.oc AS po,
    (pow(2.0, (epoch_us(t.occurred_at) - g.conv) / 604800000000.0) * 1099511627776.0)::BIGINT AS wi
  FROM read_parquet('$OUT/fact_touches.parquet') t JOIN tgt g ON t.person_id = g.person_id AND t.occurred_at >= g.lo AND t.occurred_at <= g.closed_at;
COPY (
WITH tot AS (SELECT oi, count(*) AS n, count(*) FILTER (nd) AS ndn, count(*) FILTER (pl) AS il, count(*) FILTER (po) AS io, sum(wi)::DOUBLE AS tot FROM cand GROUP BY oi),
rw AS (SELECT oi, touch_id, person_id, occurred_at, channel, source, campaign, nd, wi, row_number() OVER o AS i, sum(nd::INT) OVER o AS ndc, sum(wi) OVER o AS run
  FROM cand WINDOW o AS (PARTITION BY oi ORDER BY occurred_at, touch_id ROWS UNBOUNDED PRECEDING)),
w AS (SELECT rw.*, tot.* EXCLUDE (oi), won.opportunity_id, won.amount, won.cents FROM rw JOIN tot USING (oi) JOIN won USING (oi)),
k AS (SELECT *, CASE WHEN ndn = 0 THEN i = n ELSE nd AND ndc = ndn END AS is_lnd,
    -- anchors: 1, il, io (0 = absent)
    n - 1 - (il > 1)::INT - (io > 1 AND io <> il)::INT AS kk,
    0.3 * (1 + (il > 0)::INT + (io > 0)::INT) + CASE WHEN n - 1 - (il > 1)::INT - (io > 1 AND io <> il)::INT > 0 THEN 0.1 ELSE 0 END AS ws,
    0.6 + CASE WHEN n >= 2 THEN 0.25 ELSE 0 END + CASE WHEN n >= 5 THEN 0.15 ELSE 0 END AS ps FROM w),
cum AS (SELECT *,
    -- W-shaped cumulative before / at i
    (0.3 * (1 + (il > 0 AND il <= i)::INT + (io > 0 AND io <= i)::INT) + CASE WHEN kk > 0 THEN 0.1 * (i - 1 - (il > 1 AND il <= i)::INT - (io > 1 AND io <> il AND io <= i)::INT) / kk ELSE 0 END) / ws AS w1,
    CASE WHEN i = 1 THEN 0 ELSE (0.3 * (1 + (il > 0 AND il < i)::INT + (io > 0 AND io < i)::INT) + CASE WHEN kk > 0 THEN 0.1 * (i - 2 - (il > 1 AND il < i)::INT - (io > 1 AND io <> il AND io < i)::INT) / kk ELSE 0 END) / ws END AS w0,
    CASE WHEN n = 1 THEN 1.0 WHEN n = 2 THEN 0.5 * i WHEN i = n THEN 1.0 ELSE 0.4 + 0.2 * (i - 1) / (n - 2) END AS u1,
    CASE WHEN i = 1 THEN 0.0 WHEN n = 2 THEN 0.5 ELSE 0.4 + 0.2 * (i - 2) / (n - 2) END AS u0,
    (0.35 + (i >= 2)::INT * 0.10 + (n >= 2 AND i >= n - 1)::INT * 0.15 + (i >= n)::INT * 0.25 + CASE WHEN n >= 5 THEN 0.15 * least(greatest(i - 2, 0), n - 4) / (n - 4) ELSE 0 END) / ps AS p1,
    CASE WHEN i = 1 THEN 0 ELSE (0.35 + (i >= 3)::INT * 0.10 + (n >= 2 AND i >= n)::INT * 0.15 + CASE WHEN n >= 5 THEN 0.15 * least(greatest(i - 3, 0), n - 4) / (n - 4) ELSE 0 END) / ps END AS p0 FROM k)
SELECT opportunity_id, touch_id, person_id, occurred_at, channel, source, campaign, i::INTEGER AS position, n::INTEGER AS n_touches,
  (i = 1)::INT::DOUBLE AS cr_first, (i = n)::INT::DOUBLE AS cr_last, is_lnd::INT::DOUBLE AS cr_last_non_direct, 1.0::DOUBLE / n AS cr_linear, wi / tot AS cr_time_decay, (u1 - u0)::DOUBLE AS cr_u_shaped, (w1 - w0)::DOUBLE AS cr_w_shaped, (p1 - p0)::DOUBLE AS cr_position,
  CASE WHEN i = 1 THEN amount ELSE 0 END::DECIMAL(18,2) AS amt_first, CASE WHEN i = n THEN amount ELSE 0 END::DECIMAL(18,2) AS amt_last, CASE WHEN is_lnd THEN amount ELSE 0 END::DECIMAL(18,2) AS amt_last_non_direct,
  ((round(cents::DOUBLE * i / n) - round(cents::DOUBLE * (i - 1) / n))::BIGINT / 100.0)::DECIMAL(18,2) AS amt_linear,
  ((round(cents * (run / tot)) - round(cents * ((run - wi) / tot)))::BIGINT / 100.0)::DECIMAL(18,2) AS amt_time_decay,
  ((round(cents * u1::DOUBLE) - round(cents * u0::DOUBLE))::BIGINT / 100.0)::DECIMAL(18,2) AS amt_u_shaped,
  ((round(cents * w1::DOUBLE) - round(cents * w0::DOUBLE))::BIGINT / 100.0)::DECIMAL(18,2) AS amt_w_shaped,
  ((round(cents * p1::DOUBLE) - round(cents * p0::DOUBLE))::BIGINT / 100.0)::DECIMAL(18,2) AS amt_position
FROM cum
UNION ALL BY NAME
SELECT opportunity_id, NULL::BIGINT AS touch_id, NULL::BIGINT AS person_id, NULL::TIMESTAMPTZ AS occurred_at, '(unattributed)'::x_ch AS channel, NULL::x_src AS source, NULL::x_camp AS campaign, 1::INTEGER AS position, 0::INTEGER AS n_touches,
  1.0::DOUBLE AS cr_first, 1.0::DOUBLE AS cr_last, 1.0::DOUBLE AS cr_last_non_direct, 1.0::DOUBLE AS cr_linear, 1.0::DOUBLE AS cr_time_decay, 1.0::DOUBLE AS cr_u_shaped, 1.0::DOUBLE AS cr_w_shaped, 1.0::DOUBLE AS cr_position,
  amount AS amt_first, amount AS amt_last, amount AS amt_last_non_direct, amount AS amt_linear, amount AS amt_time_decay, amount AS amt_u_shaped, amount AS amt_w_shaped, amount AS amt_position
FROM won ANTI JOIN cand USING (oi)
) TO '$OUT/fact_attribution.parquet' (FORMAT parquet, COMPRESSION snappy);
