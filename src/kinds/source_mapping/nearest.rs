//! For a value that no rule holds for, the rule that was probably meant.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};

use super::categories::Categories;
use super::rules::{Field, RuleBook};
use super::texts::each_text;
use crate::engine::map::{RowAlgorithm, RowState};
use crate::error::{Error, Result};

/// The longest text that is compared; longer ones are no misspellings.
const MAX_CHARS: usize = 64;

/// Something a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    /// Position in [`Nearest::named`] is the order of the rules, which breaks ties.
    rule: String,
    text: String,
}

/// Adds `nearest_rule` and `nearest_value` to rows with `source`, `medium` and `referrer_host`.
#[derive(Debug)]
pub(super) struct Nearest {
    sources: Arc<Vec<Named>>,
    mediums: Arc<Vec<Named>>,
    schema: SchemaRef,
}

impl Nearest {
    /// Collects everything the rules name; `input` is the schema of the rows.
    pub(super) fn new(book: &RuleBook, input: &Schema) -> Self {
        let (mut sources, mut mediums) = (Vec::new(), Vec::new());
        let built_in = Categories::built_in();
        for rule in &book.rules {
            for (field, test) in &rule.tests {
                let list = match field {
                    Field::TaggedSource | Field::Source | Field::ReferrerHost => &mut sources,
                    Field::TaggedMedium | Field::Medium => &mut mediums,
                    Field::Campaign | Field::LandingHost => continue,
                };
                let literal = test.patterns.iter().flat_map(|pattern| literals(&pattern.text));
                let texts = test.texts.iter().cloned().chain(literal).filter(|text| !text.is_empty());
                list.extend(texts.map(|text| Named { rule: rule.id.clone(), text }));
            }
            let sites = rule.categories.iter().flat_map(|wanted| built_in.names(wanted));
            sources.extend(sites.map(|site| Named { rule: rule.id.clone(), text: site.to_string() }));
        }
        let added = ["nearest_rule", "nearest_value"].map(|name| ArrowField::new(name, DataType::Utf8, true));
        let fields: Vec<ArrowField> = input.fields().iter().map(|field| field.as_ref().clone()).chain(added).collect();
        Self { sources: Arc::new(sources), mediums: Arc::new(mediums), schema: Arc::new(Schema::new(fields)) }
    }
}

/// The words that a pattern spells out: `^(linkedin|fb)$` names `linkedin` and `fb`.
fn literals(pattern: &str) -> Vec<String> {
    let plain = pattern.replace("\\.", ".");
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let words = plain.split(|c: char| !is_word(c)).map(|word| word.trim_matches(['.', '-']));
    words.filter(|word| word.chars().count() >= 2 && !word.contains("a-z")).map(str::to_lowercase).collect()
}

/// Edits and length of the longer text; a smaller share of edits is nearer.
#[derive(Debug, Clone, Copy)]
struct Distance {
    edits: usize,
    of: usize,
}

impl Distance {
    fn between(a: &str, b: &str) -> Self {
        Self { edits: strsim::damerau_levenshtein(a, b), of: a.chars().count().max(b.chars().count()).max(1) }
    }

    /// Exact, so that ties are ties.
    fn nearer_than(self, other: Self) -> bool {
        self.edits * other.of < other.edits * self.of
    }

    /// At least as much in common as not.
    fn is_near(self) -> bool {
        self.edits * 2 <= self.of
    }
}

fn nearest<'a>(value: &str, named: &'a [Named]) -> Option<(Distance, &'a Named)> {
    if value.is_empty() || value.chars().count() > MAX_CHARS {
        return None;
    }
    let mut best: Option<(Distance, &Named)> = None;
    for candidate in named {
        let distance = Distance::between(value, &candidate.text);
        if distance.is_near() && best.is_none_or(|(known, _)| distance.nearer_than(known)) {
            best = Some((distance, candidate));
        }
    }
    best
}

impl RowAlgorithm for Nearest {
    fn name(&self) -> &'static str {
        "NearestRule"
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn start(&self, _: &[Vec<RecordBatch>]) -> Result<Box<dyn RowState>> {
        let (sources, mediums) = (Arc::clone(&self.sources), Arc::clone(&self.mediums));
        Ok(Box::new(State { sources, mediums, schema: Arc::clone(&self.schema) }))
    }
}

struct State {
    sources: Arc<Vec<Named>>,
    mediums: Arc<Vec<Named>>,
    schema: SchemaRef,
}

impl RowState for State {
    fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let sources = texts(batch, "source")?;
        let mediums = texts(batch, "medium")?;
        let found: Vec<Option<&Named>> = sources
            .iter()
            .zip(&mediums)
            .map(|(source, medium)| {
                let by_source = nearest(source, &self.sources);
                let by_medium = nearest(medium, &self.mediums);
                match (by_source, by_medium) {
                    (Some((a, _)), Some((b, medium))) if b.nearer_than(a) => Some(medium),
                    (Some((_, source)), _) => Some(source),
                    (None, by_medium) => by_medium.map(|(_, medium)| medium),
                }
            })
            .collect();
        let mut columns = batch.columns().to_vec();
        let rules: StringArray = found.iter().map(|named| named.map(|named| named.rule.as_str())).collect();
        let values: StringArray = found.iter().map(|named| named.map(|named| named.text.as_str())).collect();
        columns.extend([Arc::new(rules) as ArrayRef, Arc::new(values) as ArrayRef]);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn held_bytes(&self) -> usize {
        0
    }
}

fn texts(batch: &RecordBatch, name: &str) -> Result<Vec<String>> {
    let column = batch.column_by_name(name).ok_or_else(|| Error::internal(format!("no column `{name}` here")))?;
    let mut texts = Vec::with_capacity(batch.num_rows());
    each_text(column, |text| texts.push(text.unwrap_or_default().to_string()))?;
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_words() {
        assert_eq!(literals(r"^(linkedin|fb)$"), ["linkedin", "fb"]);
        assert_eq!(literals(r"(^|\.)chatgpt\.com$"), ["chatgpt.com"]);
        assert_eq!(literals(r"."), Vec::<String>::new());
    }

    #[test]
    fn the_nearest_is_the_first_of_the_nearest() {
        let named = |rule: &str, text: &str| Named { rule: rule.to_string(), text: text.to_string() };
        let list = [named("a", "linkedin"), named("b", "linkedin"), named("c", "link")];
        assert_eq!(nearest("linkdin", &list).unwrap().1.rule, "a");
        assert_eq!(nearest("lnk", &list).unwrap().1.rule, "c");
        assert_eq!(nearest("zzzz", &list), None::<(Distance, &Named)>);
    }

    impl PartialEq for Distance {
        fn eq(&self, other: &Self) -> bool {
            self.edits * other.of == other.edits * self.of
        }
    }
}
