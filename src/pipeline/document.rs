//! The last stage: contracts and the record of a release → the data dictionary.

use super::Request;
use super::findings::Findings;
use super::prepare::{Prepared, Target};
use crate::checks::{Check, CheckResult, Status, Test};
use crate::contract::{Contract, Role};
use crate::dictionary::{self, ColumnPage, Document, Freshness, RunFact, SourceKind, SourcePage, TablePage};
use crate::error::Result;
use crate::project::names::Origin;
use crate::project::resolve::Model;
use crate::store::publish::{Release, TableRelease};
use crate::store::{Extract, Location, within, write_files};
use crate::syntax::{CheckSeverity, SourceTable, Threshold};

/// The folder of the dictionary beside the tables.
const FOLDER: &str = "_dictionary";

/// Writes the dictionary and says where.
pub(super) async fn write(
    prepared: &Prepared,
    release: Option<&Release>,
    request: &Request,
    target: &Target,
) -> Result<String> {
    let mut document = Filler { prepared, release, target }.document();
    document.link();
    let files = dictionary::render(&document)?;
    let place = match &request.overrides.docs {
        Some(dir) => Location::open(&dir.to_string_lossy(), &request.working_dir, &request.env)?,
        None => target.location.join(FOLDER)?,
    };
    write_files(&place, files.into_iter().map(|file| (file.path, file.text.into_bytes()))).await?;
    Ok(format!("{}/index.html", place.to_string().trim_end_matches('/')))
}

struct Filler<'a> {
    prepared: &'a Prepared,
    release: Option<&'a Release>,
    target: &'a Target,
}

impl Filler<'_> {
    fn document(&self) -> Document {
        let file = &self.prepared.project.file;
        let settings = &self.prepared.graph.settings;
        let models = &self.prepared.graph.models;
        Document {
            project: dictionary::Project {
                name: file.project.to_string(),
                description: file.description.trim().to_string(),
                reporting_timezone: settings.reporting_timezone.to_string(),
                currency: settings.currency.clone(),
            },
            release: self.release.map(|release| dictionary::Release {
                number: release.number,
                run_id: release.run.clone(),
                as_of: release.record.as_of.to_rfc3339(),
                finished_at: release.record.finished.to_rfc3339(),
            }),
            tables: models
                .iter()
                .flat_map(|model| model.outputs.iter().map(|output| self.table(model, output)))
                .collect(),
            sources: self.sources(),
            guides: self.guides(),
        }
    }

    /// The reference pages of the kinds that the project uses.
    fn guides(&self) -> Vec<dictionary::Guide> {
        let used = |kind: &str| self.prepared.graph.models.iter().any(|model| model.kind.name() == kind);
        let page = |(kind, text): &(&str, &str)| {
            let title = text.lines().next().unwrap_or_default().trim_start_matches('#').trim();
            dictionary::Guide { kind: (*kind).to_string(), title: title.to_string(), text: (*text).to_string() }
        };
        crate::kinds::GUIDES.iter().filter(|(kind, _)| used(kind)).map(page).collect()
    }

    fn table(&self, model: &Model, output: &Contract) -> TablePage {
        let mut page = TablePage::from_contract(output, model.name.as_str(), model.kind.name());
        page.upstream = match output.role {
            Role::Main => model.inputs.iter().map(ToString::to_string).collect(),
            _ => vec![model.name.to_string()],
        };
        if let Some(written) = self.prepared.project.models.get(model.index) {
            let file = &written.spec;
            page.path = Some(written.path.to_string_lossy().replace('\\', "/"));
            page.published = file.publish;
            page.owner.clone_from(&file.owner);
            page.tags.clone_from(&file.tags);
            page.classification = file.classification;
            page.definition = self.prepared.text_of(written.file).map(str::to_string);
        }
        if page.published {
            page.format = Some(self.target.format.as_str().to_string());
            page.location =
                Some(format!("{}/{}", self.target.location.to_string().trim_end_matches('/'), output.table));
        }
        let own = || model.checks.iter().filter(|check| check.table == output.table);
        page.checks = own().map(not_run).collect();
        page.keys = own().filter(|check| check.columns != output.grain).filter_map(further_key).collect();
        page.freshness = own().find_map(|check| self.promised_age(model, check));
        let released = self.release.and_then(|release| release.table(output.table.as_str()));
        if let Some(released) = released {
            self.fill_from_release(&mut page, model, released);
        }
        page
    }

    /// What the last run found: rows, digest, checks, facts and profiles.
    fn fill_from_release(&self, page: &mut TablePage, model: &Model, released: &TableRelease) {
        let findings: Findings = serde_json::from_value(released.checks.clone()).unwrap_or_default();
        page.rows = Some(released.rows);
        page.bytes = Some(released.files.iter().map(|file| file.bytes).sum());
        page.digest = Some(released.digest.clone());
        page.checks = findings.checks.iter().map(|result| check_of(result, model)).collect();
        page.facts =
            findings.facts.into_iter().map(|row| RunFact { fact: row.fact, item: row.item, rows: row.rows }).collect();
        if let Some(freshness) = &mut page.freshness {
            let dated = |result: &&CheckResult| {
                let column = result.columns.first().map(|column| column.as_str());
                result.newest.is_some() && column == freshness.column.as_deref()
            };
            if let Some(result) = findings.checks.iter().find(dated) {
                freshness.latest = result.newest.map(|newest| newest.to_rfc3339());
                freshness.status = status(result.status == Status::Pass);
            }
        }
        page.exhibits = findings.exhibits;
        for (column, profile) in page.columns.iter_mut().zip(findings.profile) {
            column.profile = Some(profile);
        }
        let rejects = model.outputs.iter().find(|output| output.role == Role::Rejects);
        if let (Role::Main, Some(rejects)) = (page.role, rejects) {
            let rows =
                self.release.and_then(|release| release.table(rejects.table.as_str())).map_or(0, |table| table.rows);
            page.rejects = Some(dictionary::Rejects { table: rejects.table.to_string(), rows });
        }
    }

    /// What a check of freshness asks for, in the words of the file.
    fn promised_age(&self, model: &Model, check: &Check) -> Option<Freshness> {
        let column = check.columns.first().filter(|_| matches!(check.test, Test::Freshness { .. }))?;
        let written = self.prepared.project.models.get(model.index)?.spec.checks.iter();
        let within = written.filter_map(|check| check.freshness.as_ref()).find(|fresh| fresh.column.value == *column);
        Some(Freshness {
            column: Some(column.to_string()),
            expected: within.map(|fresh| fresh.within.value.to_string()),
            ..Freshness::default()
        })
    }

    /// How new an extract is, measured by the first age at which its contract says something.
    fn age(&self, extract: &Extract, table: &SourceTable) -> Option<Freshness> {
        let promised = table.freshness.as_ref()?;
        let newest = extract.newest(promised.column.as_str());
        let limit = promised.warn_after.as_ref().or(promised.error_after.as_ref()).map(|limit| limit.value);
        let fresh = |newest| limit.map(|limit| within(newest, self.prepared.engine.as_of(), limit));
        Some(Freshness {
            column: Some(promised.column.to_string()),
            latest: newest.map(|newest| newest.to_rfc3339()),
            expected: limit.map(|limit| limit.to_string()),
            status: newest.and_then(fresh).map_or(dictionary::CheckStatus::NotRun, status),
        })
    }

    fn sources(&self) -> Vec<SourcePage> {
        let extracts = self.prepared.extracts.values().map(|extract| {
            let mut page =
                SourcePage { name: extract.table().to_string(), kind: SourceKind::Extract, ..SourcePage::default() };
            page.rows = Some(extract.rows());
            page.bytes = Some(extract.files().iter().map(|file| file.size_bytes).sum());
            page.columns = extract.columns().iter().map(ColumnPage::from).collect();
            page.format = Some("parquet".to_string());
            if let Some(Origin::Source(file, at)) = self.prepared.graph.names.origin(extract.table().as_str())
                && let Some(source) = self.prepared.project.sources.get(file)
            {
                page.system = Some(source.spec.source.to_string());
                page.owner.clone_from(&source.spec.owner);
                page.path = Some(source.path.to_string_lossy().replace('\\', "/"));
                if let Some(table) = source.spec.tables.get(at) {
                    page.description = table.description.clone().unwrap_or_default();
                    page.grain = table.key().map(ToString::to_string).collect();
                    page.freshness = self.age(extract, table);
                }
            }
            page
        });
        let seeds = self.prepared.seeds.values().map(|seed| {
            let mut page =
                SourcePage { name: seed.table().to_string(), kind: SourceKind::Seed, ..SourcePage::default() };
            page.rows = u64::try_from(seed.batch().num_rows()).ok();
            page.columns = seed.columns().iter().map(ColumnPage::from).collect();
            page.format = Some("csv".to_string());
            if let Some(Origin::Seed(at)) = self.prepared.graph.names.origin(seed.table().as_str())
                && let Some(written) = self.prepared.project.seeds.get(at)
            {
                page.path = Some(written.path.to_string_lossy().replace('\\', "/"));
                page.description = written.spec.description.clone().unwrap_or_default();
                page.owner.clone_from(&written.spec.owner);
                let key = written.spec.columns.iter().filter(|(_, column)| column.key);
                page.grain = key.map(|(name, _)| name.to_string()).collect();
            }
            page
        });
        extracts.chain(seeds).collect()
    }
}

fn severity(severity: CheckSeverity) -> dictionary::Severity {
    match severity {
        CheckSeverity::Error => dictionary::Severity::Error,
        CheckSeverity::Warn => dictionary::Severity::Warn,
    }
}

/// The columns of which a check says that they identify a row, and refuses a run in which they do not.
fn further_key(check: &Check) -> Option<Vec<String>> {
    let strict = check.severity == CheckSeverity::Error && check.threshold == Threshold::Rows(0);
    (strict && matches!(check.test, Test::Unique)).then(|| check.columns.iter().map(ToString::to_string).collect())
}

fn status(holds: bool) -> dictionary::CheckStatus {
    if holds { dictionary::CheckStatus::Passed } else { dictionary::CheckStatus::Failed }
}

fn not_run(check: &Check) -> dictionary::CheckResult {
    let column = check
        .columns
        .first()
        .filter(|_| check.columns.len() == 1 || matches!(check.test, Test::Rows(_) | Test::NotNull));
    dictionary::CheckResult {
        name: check.name.clone(),
        column: column.map(ToString::to_string),
        severity: severity(check.severity),
        status: dictionary::CheckStatus::NotRun,
        failures: None,
        message: None,
    }
}

fn check_of(result: &CheckResult, model: &Model) -> dictionary::CheckResult {
    let known = model.checks.iter().find(|check| check.name == result.check && check.table == result.table);
    dictionary::CheckResult {
        name: result.check.clone(),
        column: result.columns.first().filter(|_| result.columns.len() == 1).map(ToString::to_string),
        severity: known.map_or(dictionary::Severity::Error, |check| severity(check.severity)),
        status: status(result.status == Status::Pass),
        failures: Some(result.failures),
        message: Some(result.message.clone()),
    }
}
