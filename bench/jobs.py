"""What is measured: one model beside one DuckDB program that computes the same table."""

from dataclasses import dataclass
from pathlib import Path

import duckdb_rules

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Job:
    """`ours` are expressions over the model's table, in the order of `theirs`, DuckDB's columns."""

    name: str
    ours: str
    theirs: str
    # The columns that have to be read at the least, by file.
    reads: tuple[tuple[str, str], ...]
    # Jobs whose tables it reads.
    after: tuple[str, ...] = ()

    def sql(self):
        """DuckDB's side, with `$TABLES` and `$OUT`."""
        if self.name == "fact_touches":
            return duckdb_rules.statements(HERE / "models" / "fact_touches.yml")
        return (HERE / "duckdb" / f"{self.name}.sql").read_text(encoding="utf-8")


TOUCH = "touch_id, person_id, anonymous_id, occurred_at, event_type"
JOBS = {
    job.name: job
    for job in [
        Job(
            "fact_touches",
            ours=f"{TOUCH}, channel, source, medium, campaign, channel_rule",
            theirs=f"{TOUCH}, channel, source, medium, campaign, rule",
            reads=(("touches", f"{TOUCH}, utm_source, utm_medium, utm_campaign, referrer, landing_url, gclid"),),
        ),
        Job(
            "lifecycle_events",
            ours="entity_id, visit_seq, stage_rank, entered_at, exited_at, visit_number, inferred, "
            "transition = 'regress', is_current, source_record",
            theirs="person_id, event_seq, stage_rank, entered_at, exited_at, entry_number, is_filled, is_regression, "
            "is_current, change_id",
            reads=(("stage_history", "person_id, stage_label, changed_at, change_id"),),
        ),
    ]
}
