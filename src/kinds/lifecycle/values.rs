//! From values to stages: layers of exact values and regular expressions.
//!
//! The first layer that knows a value decides: the source's own values, then the values of the
//! version in force, then the model's, then the stages' own names and labels. Within a layer an
//! exact value comes before any regular expression, and those are tried in the order written.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use regex::{Regex, RegexBuilder};

use super::definition::{Definition, Version};
use super::spec::{Lifecycle, Source, ValueMap};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::syntax::{OneOrMany, Spanned, bad_regex};

/// A compiled regular expression may take this many bytes.
const REGEX_BYTES: usize = 1 << 20;

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The stage with this code.
    Stage(u8),
    /// Nothing: the row is left out.
    Ignored,
    /// Nobody said.
    Unknown,
}

#[derive(Debug, Default)]
struct Layer {
    exact: BTreeMap<String, (Meaning, Place)>,
    patterns: Vec<(Regex, Meaning)>,
}

impl Layer {
    fn find(&self, folded: &str) -> Option<Meaning> {
        let exact = self.exact.get(folded).map(|(meaning, _)| *meaning);
        exact.or_else(|| self.patterns.iter().find(|(regex, _)| regex.is_match(folded)).map(|(_, meaning)| *meaning))
    }
}

/// What the values of one source mean under one version.
#[derive(Debug)]
pub(super) struct Meanings {
    layers: Vec<Arc<Layer>>,
    otherwise: Meaning,
}

impl Meanings {
    /// All that any value can mean.
    pub(super) fn all(&self) -> impl Iterator<Item = Meaning> {
        let exact = self.layers.iter().flat_map(|layer| layer.exact.values().map(|(meaning, _)| *meaning));
        let patterns = self.layers.iter().flat_map(|layer| layer.patterns.iter().map(|(_, meaning)| *meaning));
        exact.chain(patterns).chain([self.otherwise])
    }

    /// What a value means; none is an empty text.
    pub(super) fn of(&self, value: Option<&str>) -> Meaning {
        let folded = fold(value.unwrap_or_default());
        self.layers.iter().find_map(|layer| layer.find(&folded)).unwrap_or(self.otherwise)
    }
}

fn fold(value: &str) -> String {
    value.trim().to_lowercase()
}

/// The layers that sources share.
#[derive(Debug)]
pub(super) struct Shared {
    versions: Vec<Arc<Layer>>,
    model: Arc<Layer>,
    own_names: Vec<Arc<Layer>>,
    otherwise: Meaning,
}

impl Shared {
    /// Reads the model's values; mistakes go to `diags`.
    pub(super) fn read(spec: &Lifecycle, definition: &Definition, diags: &mut Diagnostics) -> Self {
        let model = layer(&spec.values, &spec.ignored, definition, diags);
        let none = OneOrMany::default();
        let mut versions = vec![Arc::new(Layer::default())];
        versions.extend(spec.versions.iter().map(|v| Arc::new(layer(&v.values, &none, definition, diags))));
        let own_names = definition.versions.iter().map(|version| Arc::new(names(definition, version))).collect();
        let otherwise = otherwise(spec.otherwise.as_ref(), definition, diags).unwrap_or(Meaning::Unknown);
        Self { versions, model: Arc::new(model), own_names, otherwise }
    }

    /// What the values of `source` mean, by version; mistakes go to `diags`.
    pub(super) fn of_source(&self, source: &Source, definition: &Definition, diags: &mut Diagnostics) -> Vec<Meanings> {
        let own = Arc::new(layer(&source.values, &OneOrMany::default(), definition, diags));
        let fallback = otherwise(source.otherwise.as_ref(), definition, diags).unwrap_or(self.otherwise);
        let by_version = self.versions.iter().zip(&self.own_names);
        by_version
            .map(|(version, names)| Meanings {
                layers: vec![Arc::clone(&own), Arc::clone(version), Arc::clone(&self.model), Arc::clone(names)],
                otherwise: fallback,
            })
            .collect()
    }
}

fn names(definition: &Definition, version: &Version) -> Layer {
    let mut layer = Layer::default();
    for (code, stage) in (0u8..).zip(&definition.stages) {
        for name in stage.label.iter().chain([&stage.name]) {
            if version.step(code) > 0 {
                layer.exact.entry(fold(name)).or_insert((Meaning::Stage(code), Place::default()));
            }
        }
    }
    layer
}

fn otherwise(word: Option<&Spanned<String>>, definition: &Definition, diags: &mut Diagnostics) -> Option<Meaning> {
    let word = word?;
    match word.value.as_str() {
        "reject" => Some(Meaning::Unknown),
        "ignore" => Some(Meaning::Ignored),
        _ => definition.named(word, diags).map(Meaning::Stage),
    }
}

fn layer(
    values: &ValueMap,
    ignored: &OneOrMany<Spanned<String>>,
    definition: &Definition,
    diags: &mut Diagnostics,
) -> Layer {
    let mut made = Layer::default();
    let mut seen: IndexMap<String, Place> = IndexMap::new();
    for value in &ignored.0 {
        add(&mut made, value, Meaning::Ignored, &mut seen, diags);
    }
    for (stage, values) in values {
        let Some(code) = definition.named(stage, diags) else { continue };
        for value in &values.0 {
            add(&mut made, value, Meaning::Stage(code), &mut seen, diags);
        }
    }
    made
}

fn add(
    layer: &mut Layer,
    value: &Spanned<String>,
    meaning: Meaning,
    seen: &mut IndexMap<String, Place>,
    diags: &mut Diagnostics,
) {
    let Some(pattern) = value.value.strip_prefix('~') else {
        let key = fold(&value.value);
        if let Some((_, first)) = layer.exact.get(&key) {
            diags.push(shadowed(value, *first));
        } else {
            layer.exact.insert(key, (meaning, value.place));
        }
        return;
    };
    if let Some(first) = seen.get(pattern) {
        diags.push(shadowed(value, *first));
        return;
    }
    seen.insert(pattern.to_string(), value.place);
    match RegexBuilder::new(pattern).case_insensitive(true).size_limit(REGEX_BYTES).build() {
        Ok(regex) => layer.patterns.push((regex, meaning)),
        Err(error) => diags.push(bad_regex(value, pattern, &error)),
    }
}

fn shadowed(value: &Spanned<String>, first: Place) -> Diagnostic {
    let message = format!("`{value}` is never reached here: it is mapped already");
    Diagnostic::error(codes::UNREACHABLE_VALUE, value.place, message).related(first, "it is mapped here")
}
