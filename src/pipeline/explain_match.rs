//! Why two records are together or apart, from what was published: crosswalk and evidence. Where that does not tell,
//! the records are read and the two compared.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::prelude::DataFrame;

use super::Request;
use super::forecast::{scoped, upstream};
use super::prepare::Prepared;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::kinds::dedupe::cluster::{Edge, Forest};
use crate::kinds::dedupe::{apart, learnt};
use crate::project::resolve::Model;
use crate::store::publish::{PublishedTable, published_tables};

/// Two records, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchExplanation {
    /// The column of the ids: `person_id`.
    pub id_column: String,
    /// Record keys, `<system>:<id>`, with the ids they have.
    pub records: [(String, String); 2],
    /// The links from the first to the second; none where they are apart.
    pub path: Vec<MatchEvidence>,
    /// Links between their two clusters that were refused or wait for review; where they are apart.
    pub between: Vec<MatchEvidence>,
    /// The refused links that lead from the first to the second within a cluster that was set aside because it
    /// grew too large; where they are apart.
    pub set_aside: Vec<MatchEvidence>,
    /// What records of their clusters share with too many others to be linked or compared by it, as far as the
    /// evidence names it by one of them; where they are apart.
    pub left_out: Vec<MatchEvidence>,
    /// What each rule of the model makes of the two as they are now, strongest first; where they are apart and
    /// nothing that was published tells why.
    pub findings: Vec<RuleFinding>,
}

/// What a rule makes of two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFinding {
    /// The rule.
    pub rule: String,
    /// What the two share by it, how alike they are, and what that weighs.
    pub finding: String,
}

/// A row of the evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchEvidence {
    /// `linked`, `refused`, `review`, or why a key links nobody.
    pub outcome: String,
    /// The rule.
    pub rule: String,
    /// One record.
    pub left: String,
    /// The other; empty where a key links nobody.
    pub right: String,
    /// Bits, where the rule weighs.
    pub weight: Option<String>,
    /// What each field was found to be and weighs.
    pub comparison: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The key that links nobody, masked.
    pub shared_key: Option<String>,
    /// How many records share it, or were in the cluster that grew too large.
    pub records: Option<String>,
}

/// Explains two records of a `dedupe` model by the current release.
///
/// # Errors
/// Project, where the model is none of that kind, has no evidence, was not published, or a record
/// is not there.
pub async fn explain_match(
    prepared: &Prepared,
    request: &Request,
    model: &str,
    records: [&str; 2],
) -> Result<MatchExplanation> {
    let reader = Reader::open(prepared, request, model).await?;
    let crosswalk = reader.table("_crosswalk")?;
    let (left, right) = (reader.record(crosswalk, records[0]).await?, reader.record(crosswalk, records[1]).await?);
    let members = reader.members(crosswalk, &left.1).await?;
    let others = reader.members(crosswalk, &right.1).await?;
    let evidence = reader.evidence(members.union(&others)).await?;
    let mut found = MatchExplanation {
        id_column: reader.id_column()?,
        findings: Vec::new(),
        path: Vec::new(),
        between: Vec::new(),
        set_aside: Vec::new(),
        left_out: Vec::new(),
        records: [left, right],
    };
    let [(left, left_id), (right, right_id)] = &found.records;
    if left_id == right_id {
        found.path = path(&evidence, "linked", left, right);
        return Ok(found);
    }
    let crosses = |row: &&MatchEvidence| {
        let ends = [&row.left, &row.right];
        ends.iter().any(|end| members.contains(*end)) && ends.iter().any(|end| others.contains(*end))
    };
    found.between = evidence.iter().filter(crosses).cloned().collect();
    found.left_out = evidence.into_iter().filter(|row| row.right.is_empty()).collect();
    if found.between.is_empty() {
        // What linked them once may lead through records that stand alone now as they do.
        let refused = ident("outcome").eq(lit("refused")).and(ident("n_records").is_not_null());
        found.set_aside = path(&reader.evidence_where(refused).await?, "refused", left, right);
        if found.set_aside.is_empty() {
            found.findings = reader.findings([left, right]).await?;
        }
    }
    Ok(found)
}

fn dedupe_model<'a>(prepared: &'a Prepared, wanted: &str) -> Result<&'a Model> {
    let models = || prepared.graph.models.iter().filter(|model| model.kind.name() == "dedupe");
    models().find(|model| model.name.as_str() == wanted).ok_or_else(|| {
        let error = Error::project(format!("there is no model `{wanted}` of the kind `dedupe`"));
        match crate::diag::nearest(wanted, models().map(|model| model.name.as_str())) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint("`marquetry ls --select kind:dedupe` shows what there is"),
        }
    })
}

/// Reads what a `dedupe` model has published.
pub(super) struct Reader<'a> {
    prepared: &'a Prepared,
    model: &'a Model,
    tables: Vec<PublishedTable>,
}

impl<'a> Reader<'a> {
    /// The tables of the current release.
    pub(super) async fn open(prepared: &'a Prepared, request: &Request, model: &str) -> Result<Self> {
        let model = dedupe_model(prepared, model)?;
        let root = prepared.target(request)?.root()?;
        Ok(Self { prepared, model, tables: published_tables(&root, None).await? })
    }

    /// All rows of a table, in their order.
    pub(super) async fn read_all(&self, ending: &str) -> Result<Vec<RecordBatch>> {
        self.read(self.table(ending)?, lit(true)).await
    }

    fn table(&self, ending: &str) -> Result<&PublishedTable> {
        let name = self.model.name.with_suffix(ending);
        self.tables.iter().find(|table| table.table.name == name).ok_or_else(|| {
            if !self.model.outputs.iter().any(|output| output.table == name) {
                return self.not_made(ending);
            }
            Error::project(format!("`{name}` was not published yet"))
                .with_hint(format!("`marquetry run --select {}` publishes it", self.model.name))
        })
    }

    /// Why a run of the model never publishes a table.
    fn not_made(&self, ending: &str) -> Error {
        let model = &self.model.name;
        match ending {
            "_evidence" => Error::project(format!("`{model}` keeps no evidence, so nothing can be explained"))
                .with_hint("take `evidence: false` out of the model and run it once"),
            "_weights" => Error::project(format!("`{model}` has no weights: none of its rules is `probabilistic`")),
            _ => Error::project(format!("`{model}` makes no table `{model}{ending}`")),
        }
    }

    /// The first column of the main table.
    fn id_column(&self) -> Result<String> {
        let main = self.model.outputs.first().and_then(|output| output.grain.first());
        main.map(ToString::to_string).ok_or_else(|| Error::internal("a dedupe model without an id"))
    }

    /// What the rules make of two records as they are now.
    async fn findings(&self, pair: [&str; 2]) -> Result<Vec<RuleFinding>> {
        let Kind::Dedupe(spec) = &self.model.kind else { return Ok(Vec::new()) };
        let weights = match self.table("_weights") {
            Ok(table) => Some(learnt(&self.read(table, lit(true)).await?)?),
            // No run had the rule yet.
            Err(_) => None,
        };
        let frames = upstream(self.prepared, self.model)?;
        let plan = scoped(self.prepared, self.model, &frames, |scope| apart(spec, scope, pair, weights))?;
        let rows = self.prepared.engine.collect(plan).await?;
        let rows = texts(&rows, "rule")?.into_iter().zip(texts(&rows, "finding")?);
        let finding = |(rule, finding): (Option<String>, Option<String>)| RuleFinding {
            rule: rule.unwrap_or_default(),
            finding: finding.unwrap_or_default(),
        };
        Ok(rows.map(finding).collect())
    }

    async fn read(&self, table: &PublishedTable, filter: Expr) -> Result<Vec<RecordBatch>> {
        let provider = table.clone().rows(table.schema.clone())?;
        let frame: DataFrame = self.prepared.engine.ctx().read_table(provider)?;
        Ok(frame.filter(filter)?.collect().await?)
    }

    /// A record's key and id.
    async fn record(&self, crosswalk: &PublishedTable, wanted: &str) -> Result<(String, String)> {
        let (system, id) = wanted.split_once(':').ok_or_else(|| {
            Error::project(format!("`{wanted}` does not name a record"))
                .with_hint("write it as `<system>:<id>`, as in `salesforce:0035Y00003abcde`")
        })?;
        let rows = self.read(crosswalk, ident("system").eq(lit(system)).and(ident("record_id").eq(lit(id)))).await?;
        let found = texts(&rows, &self.id_column()?)?.into_iter().next().flatten();
        let found = found.ok_or_else(|| {
            Error::project(format!("there is no record `{wanted}` in `{}`", crosswalk.table.name))
                .with_hint("its rejects tell which rows could not be used")
        })?;
        Ok((wanted.to_string(), found))
    }

    /// The keys of the records that have an id.
    async fn members(&self, crosswalk: &PublishedTable, id: &str) -> Result<BTreeSet<String>> {
        let rows = self.read(crosswalk, ident(self.id_column()?).eq(lit(id))).await?;
        let pairs = texts(&rows, "system")?.into_iter().zip(texts(&rows, "record_id")?);
        Ok(pairs.map(key).collect())
    }

    /// The evidence that names none but these records.
    async fn evidence(&self, members: impl Iterator<Item = &String>) -> Result<Vec<MatchEvidence>> {
        let members: BTreeSet<&String> = members.collect();
        let names: Vec<Expr> = members.iter().filter_map(|key| Some(lit(key.split_once(':')?.1))).collect();
        let named = |column: &str| ident(column).in_list(names.clone(), false);
        let mut evidence = self.evidence_where(named("left_record_id").or(named("right_record_id"))).await?;
        evidence.retain(|row| members.contains(&row.left) && (row.right.is_empty() || members.contains(&row.right)));
        Ok(evidence)
    }

    async fn evidence_where(&self, filter: Expr) -> Result<Vec<MatchEvidence>> {
        let rows = self.read(self.table("_evidence")?, filter).await?;
        let columns = ["left_system", "left_record_id", "right_system", "right_record_id", "outcome", "rule"];
        let [left_system, left_id, right_system, right_id, outcome, rule] = columns.map(|name| texts(&rows, name));
        let (left, right) = (left_system?.into_iter().zip(left_id?), right_system?.into_iter().zip(right_id?));
        let words = outcome?.into_iter().zip(rule?);
        let notes = texts(&rows, "weight")?.into_iter().zip(texts(&rows, "comparison")?).zip(texts(&rows, "reason")?);
        let shared = texts(&rows, "shared_key")?.into_iter().zip(texts(&rows, "n_records")?);
        let mut evidence = Vec::new();
        for ((((left, right), (outcome, rule)), ((weight, comparison), reason)), (shared_key, records)) in
            left.zip(right).zip(words).zip(notes).zip(shared)
        {
            evidence.push(MatchEvidence {
                outcome: outcome.unwrap_or_default(),
                rule: rule.unwrap_or_default(),
                left: key(left),
                right: key(right),
                weight,
                comparison,
                reason,
                shared_key,
                records,
            });
        }
        Ok(evidence)
    }
}

/// `<system>:<id>`; empty where no record is named.
fn key((system, id): (Option<String>, Option<String>)) -> String {
    system.zip(id).map_or_else(String::new, |(system, id)| format!("{system}:{id}"))
}

/// A column of all batches as texts.
pub(super) fn texts(batches: &[RecordBatch], name: &str) -> Result<Vec<Option<String>>> {
    let mut values = Vec::new();
    for batch in batches {
        let column = batch.column_by_name(name).ok_or_else(|| {
            Error::project(format!("the published tables have no column `{name}`"))
                .with_hint("they were published by another version; run the model once")
        })?;
        let column = cast(column, &DataType::Utf8)?;
        let texts = column.as_string_opt::<i32>().ok_or_else(|| Error::internal("a text column is none"))?;
        values.extend((0..texts.len()).map(|row| texts.is_valid(row).then(|| texts.value(row).to_string())));
    }
    Ok(values)
}

/// The links of an outcome that lead from one record to another. Links are a forest, so there is one way only; the
/// refused ones of a cluster that was taken apart were one.
fn path(evidence: &[MatchEvidence], outcome: &str, from: &str, to: &str) -> Vec<MatchEvidence> {
    let links: Vec<&MatchEvidence> = evidence.iter().filter(|row| row.outcome == outcome).collect();
    let mut names: Vec<&str> = links.iter().flat_map(|link| [link.left.as_str(), link.right.as_str()]).collect();
    names.sort_unstable();
    names.dedup();
    let number = |name: &str| names.binary_search(&name).ok().and_then(|at| u32::try_from(at).ok());
    let edge = |link: &&MatchEvidence| Some(Edge::new(number(&link.left)?, number(&link.right)?, 0, 0));
    let edges: Vec<Edge> = links.iter().filter_map(edge).collect();
    let found = number(from)
        .zip(number(to))
        .and_then(|(from, to)| Forest::new(u32::try_from(names.len()).ok()?, &edges).path(from, to));
    let link =
        |wanted: Edge| links.iter().zip(&edges).find(|(_, edge)| **edge == wanted).map(|(link, _)| (*link).clone());
    found.unwrap_or_default().into_iter().filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(outcome: &str, left: &str, right: &str) -> MatchEvidence {
        let text = str::to_string;
        MatchEvidence { outcome: text(outcome), left: text(left), right: text(right), ..MatchEvidence::default() }
    }

    #[test]
    fn the_path_follows_links_in_either_direction() {
        let evidence = [
            link("linked", "a", "b"),
            link("linked", "c", "b"),
            link("linked", "c", "d"),
            link("linked", "b", "e"),
            link("refused", "a", "d"),
        ];
        assert_eq!(
            path(&evidence, "linked", "a", "d"),
            [evidence[0].clone(), evidence[1].clone(), evidence[2].clone()]
        );
        assert!(path(&evidence, "linked", "a", "x").is_empty());
        assert!(path(&evidence, "linked", "a", "a").is_empty());
    }
}
