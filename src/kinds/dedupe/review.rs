//! What can be wrong with a spec beside its expressions, and what a run's counts give to say.

use std::collections::BTreeMap;

use super::describe;
use super::fields::Field;
use super::matching::blocking::BlockRule;
use super::matching::{Model, Test};
use super::probabilistic::Probabilistic;
use super::spec::{Dedupe, RecordSource};
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::text::phone;
use crate::syntax::{ColumnName, ExprText, Spanned};

/// Systems are numbered with 16 bits.
const MAX_SOURCES: usize = 1_000;

/// Things that must not be missing, too many or zero.
pub(super) fn counts(spec: &Dedupe, place: Place, diags: &mut Diagnostics) {
    let mut wrong = |place: Place, message: String| {
        diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message));
    };
    if spec.records.is_empty() {
        wrong(place, "a dedupe model needs at least one table of records".to_string());
    }
    if spec.records.len() > MAX_SOURCES {
        wrong(place, format!("{} tables are more than the {MAX_SOURCES} that a model may have", spec.records.len()));
    }
    if spec.rules.is_empty() {
        wrong(place, "a dedupe model needs at least one rule under `match`".to_string());
    }
    for source in spec.records.iter().filter(|source| source.fields.is_empty()) {
        wrong(source.from.place, format!("the records of `{}` have no fields", source.from));
    }
    let guards = &spec.guards;
    let limits = [
        ("max_records_per_key", &guards.max_records_per_key),
        ("max_cluster", &guards.max_cluster),
        ("max_block", &guards.max_block),
    ];
    for (name, limit) in limits {
        if limit.value < 2 {
            wrong(limit.place, format!("`{name}` is at least 2: fewer records would link nothing"));
        }
    }
    if guards.max_ids_per_key.value < 1 {
        let message = "`max_ids_per_key` is at least 1: a key that stands for one person has one id";
        wrong(guards.max_ids_per_key.place, message.to_string());
    }
}

/// The country in which phone numbers are dialled: one whose numbers can be read.
pub(super) fn default_country(spec: &Dedupe, diags: &mut Diagnostics) {
    let Some(country) = spec.default_country.as_ref().filter(|country| !phone::is_country(country.as_str())) else {
        return;
    };
    let message = format!("`{country}` is no country whose phone numbers are known");
    let wrong = Diagnostic::error(codes::INVALID_VALUE, country.place, message)
        .hint("write its ISO 3166 code or its name in English, as in `DE` or `Germany`");
    diags.push(wrong.did_you_mean(country.as_str(), phone::country_names()));
}

/// The system of a table of records.
pub(super) fn system_of(source: &RecordSource) -> &str {
    source.system.as_ref().map_or(source.from.value.as_str(), |system| system.value.as_str())
}

/// Every system once, in order of first mention.
pub(super) fn systems(spec: &Dedupe, diags: &mut Diagnostics) -> Vec<String> {
    let mut systems: Vec<String> = Vec::new();
    for source in &spec.records {
        let system = system_of(source);
        if system.is_empty() || system.contains(':') {
            let place = source.system.as_ref().map_or(source.from.place, |system| system.place);
            let message = format!("`{system}` cannot name a system: records are named `<system>:<id>`");
            let hint = "write a short name without `:`, as in `salesforce`";
            diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message).hint(hint));
        }
        if !systems.iter().any(|known| known == system) {
            systems.push(system.to_string());
        }
    }
    systems
}

/// That a setting names a field which no table of records has.
pub(super) fn unknown_field<'a>(
    name: &Spanned<ColumnName>,
    known: impl Iterator<Item = &'a str>,
    diags: &mut Diagnostics,
) {
    let message = format!("there is no field `{name}`");
    diags.push(
        Diagnostic::error(codes::UNKNOWN_FIELD, name.place, message)
            .hint("fields are declared with the records, under `fields:`")
            .did_you_mean(name.as_str(), known),
    );
}

/// That a field is a double in one table and something else in another: as texts, 123 would be `123` and `123.0`.
pub(super) fn one_type(
    name: &Spanned<ColumnName>,
    text: &ExprText,
    before: Option<ColumnType>,
    found: Option<ColumnType>,
    diags: &mut Diagnostics,
) -> bool {
    let (Some(before), Some(found)) = (before, found) else { return true };
    if before == found || (before != ColumnType::Double && found != ColumnType::Double) {
        return true;
    }
    let message = format!("the field `{name}` is of type {found} here and of type {before} in a table before");
    let hint = "as texts equal numbers would differ; cast both to one type, as in `CAST(… AS BIGINT)`";
    diags.push(Diagnostic::error(codes::EXPRESSION_TYPE, text.place, message).hint(hint));
    false
}

/// The place of a field that a rule names.
pub(super) fn field(name: &Spanned<ColumnName>, fields: &[Field], diags: &mut Diagnostics) -> Option<usize> {
    let at = fields.iter().position(|field| field.name == name.value);
    if at.is_none() {
        unknown_field(name, fields.iter().map(|field| field.name.as_str()), diags);
    }
    at
}

/// What two values must be to be similar: a least Jaro–Winkler similarity, or a test with its word.
pub(super) fn similarity(text: &Spanned<String>, diags: &mut Diagnostics) -> Option<Test> {
    let share = |least: f64| (0.0..=1.0).contains(&least).then_some(Test::JaroWinkler(least));
    let test = match text.value.trim().parse::<f64>() {
        Ok(least) => share(least).ok_or_else(|| format!("`{text}` is not a similarity between 0 and 1")),
        Err(_) => text.value.parse(),
    };
    let mistake = |message: String| {
        Diagnostic::error(codes::BAD_COMPARISON, text.place, message)
            .hint("write the least Jaro–Winkler similarity, as in `0.92`, or a test, as in `edits 1` or `words 0.8`")
    };
    test.map_err(|message| diags.push(mistake(message))).ok()
}

/// Probabilities in order: 0 < review ≤ merge < 1, and 0 ≤ contradiction < merge.
pub(super) fn thresholds(rule: &Probabilistic, diags: &mut Diagnostics) -> Option<()> {
    let mut good = true;
    for (name, value) in [("merge", &rule.merge), ("review", &rule.review)] {
        if !(value.value > 0.0 && value.value < 1.0) {
            let message = format!("`{name}` is a probability, more than 0 and less than 1");
            diags.push(Diagnostic::error(codes::BAD_COMPARISON, value.place, message));
            good = false;
        }
    }
    if good && rule.review.value > rule.merge.value {
        let message = "`review` is above `merge`: no pair would be left to be reviewed";
        diags.push(Diagnostic::error(codes::BAD_COMPARISON, rule.review.place, message));
        good = false;
    }
    if good && !(rule.contradiction.value >= 0.0 && rule.contradiction.value < rule.merge.value) {
        let message = "`contradiction` is a probability below `merge`, or 0";
        diags.push(Diagnostic::error(codes::BAD_COMPARISON, rule.contradiction.place, message));
        good = false;
    }
    good.then_some(())
}

/// Weights say which fields are compared; a second list would not be looked at.
pub(super) fn fields_and_weights(rule: &Probabilistic, diags: &mut Diagnostics) -> Option<()> {
    let Some(first) = rule.fields.0.first().filter(|_| rule.weights.is_some()) else { return Some(()) };
    let message = "`fields` does nothing beside `weights`, which say themselves what fields are compared";
    let hint = "take `fields` out; to compare fewer fields, take theirs out of the weights, or learn them again with `fields` and without `weights`";
    diags.push(Diagnostic::error(codes::BAD_COMPARISON, first.place, message).hint(hint));
    None
}

/// A field that stands twice would count twice.
pub(super) fn fields_once(rule: &Probabilistic, diags: &mut Diagnostics) -> Option<()> {
    let fields = rule.fields.0.iter().enumerate();
    let mut again =
        fields.filter(|(at, field)| rule.fields.0.iter().take(*at).any(|before| before.value == field.value));
    let Some((_, field)) = again.next() else { return Some(()) };
    let message = format!("`{field}` stands under `fields` twice, and would count twice");
    diags.push(Diagnostic::error(codes::BAD_COMPARISON, field.place, message).hint("take one of the two out"));
    None
}

/// What pairs must share to be compared.
pub(super) fn block(text: &Spanned<String>, fields: &[Field], diags: &mut Diagnostics) -> Option<BlockRule> {
    let rule: Result<BlockRule, String> = text.value.parse();
    let known = |name: &str| fields.iter().any(|field| field.name.as_str() == name);
    let rule = rule.and_then(|rule| {
        let unknown = rule.fields().find(|name| !known(name)).map(|name| format!("there is no field `{name}`"));
        unknown.map_or(Ok(rule), Err)
    });
    let mistake = |message: String| {
        Diagnostic::error(codes::BAD_COMPARISON, text.place, message)
            .hint("write it as in `email` or `soundex(last_name) + first(3, first_name)`")
    };
    rule.map_err(|message| diags.push(mistake(message))).ok()
}

/// Weights that are given: a model that can be used with these fields.
pub(super) fn weights(model: &Spanned<Model>, fields: &[Field], diags: &mut Diagnostics) -> Option<Model> {
    let known = |name: &str| fields.iter().any(|field| field.name.as_str() == name);
    let compared = model.fields.iter().map(|field| field.name.as_str());
    let named = compared.chain(model.blocking.iter().flat_map(BlockRule::fields));
    let unknown = named.into_iter().find(|name| !known(name));
    let wrong = match (model.check(), unknown) {
        (Err(error), _) => error.message().to_string(),
        (Ok(()), Some(field)) => format!("the weights are of a field `{field}`, which is not there"),
        (Ok(()), None) => return Some(model.value.clone()),
    };
    let hint = "learn them again without `weights`, and take what `marquetry weights` prints";
    diags.push(Diagnostic::error(codes::BAD_COMPARISON, model.place, wrong).hint(hint));
    None
}

/// Fields may not be named like columns that the kind makes itself.
pub(super) fn names(spec: &Dedupe, fields: &[Field], diags: &mut Diagnostics) {
    let mut places: BTreeMap<&ColumnName, Place> = BTreeMap::new();
    for name in spec.records.iter().flat_map(|source| source.fields.keys()) {
        places.entry(&name.value).or_insert(name.place);
    }
    let id = spec.entity.with_suffix("_id");
    let taken = |name: &ColumnName| *name == id || describe::OWN_COLUMNS.contains(&name.as_str());
    for field in fields.iter().filter(|field| taken(&field.name)) {
        let message = format!("a field cannot be called `{}`: the model makes a column of that name", field.name);
        let wrong = Diagnostic::error(codes::RESERVED_FIELD, places.get(&field.name).copied(), message);
        diags.push(wrong.hint(format!("call it something else, as in `crm_{}`", field.name)));
    }
}
