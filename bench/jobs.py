"""What is measured: one model beside one DuckDB program that computes the same table."""

from dataclasses import dataclass
from pathlib import Path

import duckdb_rules

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Table:
    """One table that both sides make; `ours` are expressions over ours, in the order of `theirs`."""

    name: str
    ours: str
    theirs: str
    # Which of our rows have a twin; those that DuckDB's table has no place for are left out.
    only: str = "true"


@dataclass(frozen=True)
class Job:
    """A model, its tables, and what has to be read at the least: columns by file."""

    name: str
    tables: tuple[Table, ...]
    reads: tuple[tuple[str, str], ...]
    # Jobs whose tables it reads.
    after: tuple[str, ...] = ()

    def sql(self):
        """DuckDB's side, with `$TABLES` and `$OUT`."""
        if self.name == "fact_touches":
            return duckdb_rules.statements(HERE / "models" / "fact_touches.yml")
        text = (HERE / "duckdb" / f"{self.name}.sql").read_text(encoding="utf-8")
        return components(text) if self.name == "person_map" else text


def weight(of):
    """A weight to eight decimals. No weight lies on a border: rounded, one of .15 / 128 would, where doubles fall to either side."""
    return f"floor({of} * 1e8 + 0.31415926)"


def components(text):
    """Writes out the rounds that shrink the graph: every record hooks onto its smallest neighbour."""
    keys = [
        f"SELECT r.rid AS a, g.head AS b FROM rec AS r JOIN (SELECT {key}, min(rid) AS head FROM rec WHERE {key} IS NOT NULL "
        f"GROUP BY {key} HAVING count(*) BETWEEN 2 AND 50) AS g ON r.{key} = g.{key} WHERE r.rid <> g.head"
        for key in ("k1", "k2", "k3")
    ]
    one_round = (
        "CREATE OR REPLACE TEMP TABLE r AS SELECT v, least(v, min(u)) AS r "
        "FROM (SELECT a AS v, b AS u FROM e UNION ALL SELECT b, a FROM e) GROUP BY v;\n"
        "CREATE OR REPLACE TEMP TABLE r2 AS SELECT r.v, s.r AS r FROM r JOIN r AS s ON r.r = s.v;\n"
        "CREATE OR REPLACE TEMP TABLE comp AS SELECT c.id, coalesce(r2.r, c.comp) AS comp "
        "FROM comp AS c LEFT JOIN r2 ON r2.v = c.comp;\n"
        "CREATE OR REPLACE TEMP TABLE e AS SELECT DISTINCT x.r AS a, y.r AS b "
        "FROM e JOIN r2 AS x ON x.v = e.a JOIN r2 AS y ON y.v = e.b WHERE x.r <> y.r;\n"
    )
    fields = "email phone first_name last_name company domain country title".split()
    picks = ", ".join(f"arg_min({field}, o) FILTER ({field} IS NOT NULL) AS {field}" for field in fields)
    made = text.replace("$EDGES", " UNION ALL ".join(keys)).replace("$ROUNDS", one_round * ROUNDS)
    return made.replace("$FIELDS", picks)


# More than a graph of these sizes needs; the SQL fails where it is not enough.
ROUNDS = 7
TOUCH = "touch_id, person_id, anonymous_id, occurred_at, event_type"
VISITED = "entered_at, exited_at"
FIELDS = "email, phone, first_name, last_name, company, domain, country, title"
# Cents left over are placed by largest remainder here and by running sums there, so only whole amounts are compared.
MODELS = "first last last_non_direct linear time_decay u_shaped w_shaped position".split()
JOBS = {
    job.name: job
    for job in [
        Job(
            "fact_touches",
            (
                Table(
                    "fact_touches",
                    f"{TOUCH}, channel, source, medium, campaign, channel_rule",
                    f"{TOUCH}, channel, source, medium, campaign, rule",
                ),
            ),
            (("touches", f"{TOUCH}, utm_source, utm_medium, utm_campaign, referrer, landing_url, gclid"),),
        ),
        Job(
            "lifecycle_events",
            (
                Table(
                    "lifecycle_events",
                    f"entity_id, visit_seq, stage_rank, {VISITED}, visit_number, inferred, transition = 'regress', "
                    "is_current, source_record",
                    f"person_id, event_seq, stage_rank, {VISITED}, entry_number, is_filled, is_regression, is_current, "
                    "change_id",
                ),
            ),
            (("stage_history", "person_id, stage_label, changed_at, change_id"),),
        ),
        Job(
            "stage_velocity",
            (
                Table(
                    "stage_velocity_summary",
                    "segment, cohort_start, from_stage, to_stage, entered, converted, lost, open, "
                    "round(days_mean::DOUBLE, 6), round(days_p50::DOUBLE, 6), round(days_p90::DOUBLE, 6)",
                    "segment, cohort_month, from_stage, to_stage, entered, converted, lost, open, "
                    "round(mean_days, 6), round(p50_days, 6), round(p90_days, 6)",
                    "entered > 0",
                ),
            ),
            (
                ("lifecycle_events", "person_id, stage_rank, entered_at, is_current"),
                ("persons", "person_id, segment"),
            ),
            after=("lifecycle_events",),
        ),
        Job(
            "person_map",
            (
                Table(
                    "person_map_crosswalk",
                    "system || ':' || record_id AS record_key, "
                    "min(system || ':' || record_id) OVER (PARTITION BY person_id)",
                    "record_key, cluster_id",
                ),
                Table(
                    "person_map",
                    f"{FIELDS}, n_records, n_systems, first_seen_at, last_updated_at",
                    f"{FIELDS}, n_records, n_sources, first_created_at, last_updated_at",
                ),
            ),
            tuple((system, f"id, {FIELDS}, created_at, updated_at") for system in ("sf_contacts", "sf_leads", "hubspots")),
        ),
        Job(
            "fact_attribution",
            (
                Table(
                    "fact_attribution",
                    "conversion_id, position, journey_length, touch_id, channel, source, touch_campaign, "
                    + ", ".join(weight(f"weight_{model}::DOUBLE") for model in MODELS)
                    + ", amount_first, amount_last, amount_last_non_direct",
                    "opportunity_id, position, n_touches, touch_id, channel, source, campaign, "
                    + ", ".join(weight(f"cr_{model}") for model in MODELS)
                    + ", amt_first, amt_last, amt_last_non_direct",
                ),
            ),
            (
                ("fact_touches", "touch_id, person_id, occurred_at, channel, source, campaign"),
                ("opportunities", "opportunity_id, amount, created_at, closed_at, is_won"),
                ("opportunity_contact_roles", "opportunity_id, person_id"),
                ("persons", "person_id, created_at"),
            ),
            after=("fact_touches",),
        ),
    ]
}
