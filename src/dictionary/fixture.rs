//! A dictionary small enough to be worked out by hand: one extract, one model, its rejects.

use super::*;

pub(super) fn link(table: &str, column: &str) -> ColumnLink {
    ColumnLink { table: table.into(), column: column.into() }
}

pub(super) fn column(name: &str, ty: &str, description: &str, lineage: &[(&str, &str)]) -> ColumnPage {
    ColumnPage {
        name: name.into(),
        ty: ty.into(),
        nullable: true,
        description: description.into(),
        pii: Pii::None,
        lineage: lineage.iter().map(|(t, c)| link(t, c)).collect(),
        sources: Vec::new(),
        used_by: Vec::new(),
        profile: None,
    }
}

pub(super) fn table(name: &str, columns: Vec<ColumnPage>) -> TablePage {
    TablePage {
        name: name.into(),
        model: name.into(),
        path: Some(format!("models/marts/{name}.yml")),
        role: Role::Main,
        kind: "sql".into(),
        published: true,
        description: format!("The table {name}."),
        methodology: MethodologyText::default(),
        grain: Vec::new(),
        keys: Vec::new(),
        owner: None,
        tags: Vec::new(),
        classification: Classification::Internal,
        checks: Vec::new(),
        rows: None,
        bytes: None,
        rejects: None,
        digest: None,
        freshness: None,
        upstream: Vec::new(),
        downstream: Vec::new(),
        columns,
        definition: None,
        location: None,
        format: None,
        facts: Vec::new(),
        exhibits: Vec::new(),
    }
}

pub(super) fn source(name: &str, columns: Vec<ColumnPage>) -> SourcePage {
    SourcePage { name: name.into(), description: format!("The source {name}."), columns, ..SourcePage::default() }
}

/// One of everything that a page can show.
pub(super) fn small() -> Document {
    let mut document = Document {
        project: Project {
            name: "Fjord Analytics".into(),
            description: "Funnel | revenue.".into(),
            reporting_timezone: "Europe/Oslo".into(),
            currency: "NOK".into(),
        },
        release: Some(Release {
            number: 7,
            run_id: "0198-a".into(),
            as_of: "2026-11-20T03:00:00Z".into(),
            finished_at: "2026-11-20T03:01:12Z".into(),
        }),
        tables: vec![visits(), rejects()],
        sources: vec![leads()],
        guides: vec![Guide {
            kind: "lifecycle".into(),
            title: "Lifecycle".into(),
            text: "# Lifecycle\n\nStages, in order.\n".into(),
        }],
    };
    document.link();
    document
}

fn visits() -> TablePage {
    let mut lead = column("lead_id", "text", "The lead.", &[("leads", "id")]);
    lead.nullable = false;
    lead.pii = Pii::Indirect;
    lead.profile = Some(ColumnProfile { rows: 1200, withheld: Some(Withheld::Personal), ..ColumnProfile::default() });
    let mut stage = column("stage", "text", "Where it stood: `mql|sql`.", &[("leads", "status")]);
    stage.profile = Some(ColumnProfile {
        rows: 1200,
        nulls: 3,
        null_share: 0.0025,
        distinct: Some(Distinct { count: 2, exact: true }),
        min: None,
        max: None,
        top: vec![TopValue { value: "mql".into(), rows: 1000 }, TopValue { value: "sql".into(), rows: 197 }],
        withheld: None,
    });
    TablePage {
        kind: "lifecycle".into(),
        description: "One row for each stage a lead was in.".into(),
        methodology: MethodologyText {
            summary: vec!["Stages follow from `status`; half-life < 7 days.".into()],
            assumptions: vec!["Status changes are complete.".into()],
            limits: vec!["1. History before 2024 is missing.".into()],
        },
        grain: vec!["lead_id".into(), "stage".into()],
        owner: Some("revops@example.com".into()),
        checks: vec![CheckResult {
            name: "not_null".into(),
            column: Some("stage".into()),
            severity: Severity::Warn,
            status: CheckStatus::Failed,
            failures: Some(3),
            message: Some("3 of 1,200 rows".into()),
        }],
        rows: Some(1200),
        rejects: Some(Rejects { table: "visits_rejects".into(), rows: 4 }),
        digest: Some("b3:77".into()),
        freshness: Some(Freshness {
            column: Some("entered_at".into()),
            latest: Some("2026-11-20T01:00:00Z".into()),
            expected: Some("24 hours".into()),
            status: CheckStatus::Passed,
        }),
        definition: Some("model: visits\nlifecycle: {from: leads}\n".into()),
        location: Some("s3://lake/gold/visits".into()),
        format: Some("delta".into()),
        facts: vec![RunFact { fact: "rows_in".into(), item: "leads".into(), rows: 1204 }],
        ..table("visits", vec![lead, stage])
    }
}

fn rejects() -> TablePage {
    TablePage {
        model: "visits".into(),
        role: Role::Rejects,
        kind: "lifecycle".into(),
        path: Some("models/marts/visits.yml".into()),
        description: "Rows that `visits` could not use.".into(),
        rows: Some(4),
        upstream: vec!["leads".into()],
        ..table("visits_rejects", vec![column("reason", "text", "Why.", &[])])
    }
}

fn leads() -> SourcePage {
    SourcePage {
        system: Some("salesforce".into()),
        description: "Leads as Salesforce exports them.".into(),
        grain: vec!["id".into()],
        rows: Some(1204),
        format: Some("parquet".into()),
        ..source(
            "leads",
            vec![column("id", "text", "The lead's id.", &[]), column("status", "text", "Its status.", &[])],
        )
    }
}
