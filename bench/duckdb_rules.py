"""The 60 rules of `models/fact_touches.yml` as the fastest DuckDB SQL we know.

Each value of a tagged column gets a bit mask of the rules that it does not exclude, worked out once for each
distinct value; a row's channel is the lowest bit that all its masks share. Low-cardinality text goes out as ENUM,
so that DuckDB writes dictionaries.
"""

import yaml

HOST = r"regexp_extract(referrer, '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#:]+)', 1)"
CLICKS = {
    "gclid": "(gclid IS NOT NULL AND gclid <> '')",
    "msclkid": "coalesce(contains(landing_url, 'msclkid='), false)",
    "fbclid": "coalesce(contains(landing_url, 'fbclid='), false)",
}


def text(value):
    return "'" + value.replace("'", "''") + "'"


def condition(key, wanted):
    """The rule's condition on one cleaned column, as SQL."""
    column = {"source": "src", "medium": "med", "campaign": "camp", "referrer_host": "host"}[key]
    if isinstance(wanted, str) and wanted.startswith("~"):
        return f"regexp_matches({column}, {text(wanted[1:])})"
    hosts = [wanted] if isinstance(wanted, str) else wanted
    below = " OR ".join(f"ends_with({column}, {text('.' + host)})" for host in hosts)
    return f"({column} IN ({', '.join(map(text, hosts))}) OR {below})"


def mask(rules, key):
    """One bit for each rule that the column's value does not exclude."""
    free, parts = 0, []
    for bit, rule in enumerate(rules):
        wanted = rule.get("when", {}).get(key)
        if wanted is None:
            free |= 1 << bit
        else:
            parts.append(f"CASE WHEN {condition(key, wanted)} THEN {1 << bit}::BIGINT ELSE 0::BIGINT END")
    return " | ".join([f"{free}::BIGINT", *parts])


def click_mask(rules):
    """The mask of every combination of the three click ids."""
    arms = []
    for seen in range(8):
        has = {name: bool(seen >> at & 1) for at, name in enumerate(CLICKS)}
        bits = sum(1 << bit for bit, rule in enumerate(rules) if has.get(rule.get("when", {}).get("click_id"), True))
        when = " AND ".join(f"has_{name}" if there else f"NOT has_{name}" for name, there in has.items())
        arms.append(f"WHEN {when} THEN {bits}::BIGINT")
    return f"CASE {' '.join(arms)} END"


def statements(model):
    """The job as SQL text with `$TABLES` and `$OUT`."""
    with open(model, encoding="utf-8") as file:
        mapping = yaml.safe_load(file)["source_mapping"]
    rules = [*mapping["rules"], {"id": "unmapped", "channel": mapping["unmapped"]["channel"]}]
    touches = "read_parquet('$TABLES/touches.parquet')"
    rows = ", ".join(
        f"({1 << bit}::BIGINT, {text(rule['id'])}, {text(rule['channel'])}, "
        f"{text(rule['source']) if 'source' in rule else 'NULL'})"
        for bit, rule in enumerate(rules)
    )
    made = [f"CREATE TEMP TABLE rules AS SELECT * FROM (VALUES {rows}) AS t(bit, rule, channel, source)"]
    for raw, clean, key in [("utm_source", "src", "source"), ("utm_medium", "med", "medium"), ("utm_campaign", "camp", "campaign")]:
        made.append(
            f"CREATE TEMP TABLE d_{clean} AS SELECT {raw}, {clean}, {mask(rules, key)} AS m FROM (SELECT {raw}, "
            f"lower(trim(coalesce({raw}, ''))) AS {clean} FROM (SELECT DISTINCT {raw} FROM {touches}))"
        )
    made.append(
        f"CREATE TEMP TABLE d_host AS SELECT rh, host, {mask(rules, 'referrer_host')} AS m FROM (SELECT rh, "
        rf"regexp_replace(lower(coalesce(rh, '')), '^www\.', '') AS host FROM (SELECT DISTINCT {HOST} AS rh FROM {touches}))"
    )
    values = {
        "t_src": "SELECT src FROM d_src UNION SELECT host FROM d_host UNION SELECT source FROM rules UNION SELECT '(none)'",
        "t_med": "SELECT DISTINCT med FROM d_med",
        "t_camp": "SELECT DISTINCT camp FROM d_camp",
        "t_channel": "SELECT DISTINCT channel FROM rules",
        "t_rule": "SELECT DISTINCT rule FROM rules",
        "t_event": f"SELECT DISTINCT event_type FROM {touches}",
    }
    for name, query in values.items():
        made.append(f"CREATE TEMP TYPE {name} AS ENUM (SELECT v FROM ({query}) AS t(v) WHERE v <> '' ORDER BY 1)")
    made.append("CREATE TEMP TABLE d_event AS SELECT DISTINCT event_type, event_type::t_event AS event FROM " + touches)
    for name in ("src", "med", "camp", "host"):
        kind = "t_src" if name == "host" else f"t_{name}"
        made.append(f"CREATE TEMP TABLE e_{name} AS SELECT * REPLACE (nullif({name}, '')::{kind} AS {name}) FROM d_{name}")
    made.append(
        "CREATE TEMP TABLE e_rules AS SELECT bit, rule::t_rule AS rule, channel::t_channel AS channel, "
        "source::t_src AS source FROM rules"
    )
    has = ", ".join(f"{test} AS has_{name}" for name, test in CLICKS.items())
    made.append(
        f"""COPY (
WITH t AS (SELECT touch_id, person_id, anonymous_id, occurred_at, event_type, utm_source, utm_medium, utm_campaign,
                  {HOST} AS rh, {has} FROM {touches}),
k AS (SELECT t.*, s.src, d.med, c.camp, h.host, e.event, s.m & d.m & c.m & h.m & ({click_mask(rules)}) AS m FROM t
      JOIN e_src AS s ON t.utm_source IS NOT DISTINCT FROM s.utm_source
      JOIN e_med AS d ON t.utm_medium IS NOT DISTINCT FROM d.utm_medium
      JOIN e_camp AS c ON t.utm_campaign IS NOT DISTINCT FROM c.utm_campaign
      JOIN e_host AS h ON t.rh IS NOT DISTINCT FROM h.rh
      JOIN d_event AS e ON t.event_type IS NOT DISTINCT FROM e.event_type)
SELECT touch_id, person_id, anonymous_id, occurred_at, k.event AS event_type, r.channel,
       coalesce(r.source, k.src, k.host, '(none)'::t_src) AS source, k.med AS medium, k.camp AS campaign, r.rule
FROM k JOIN e_rules AS r ON r.bit = (k.m & (-k.m))
) TO '$OUT/fact_touches.parquet' (FORMAT parquet, COMPRESSION snappy)"""
    )
    return ";\n".join(made) + ";\n"
