//! The user's rules → rules as they are tried, with everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::clicks::{self, ClickBits};
use super::rules::{CAMPAIGN_TABLE, ClickTest, Field, Pattern, Rule, RuleBook, SideTable, Test, UNMAPPED, clean};
use super::spec::{Patterns, RuleSpec, SourceMapping, When};
use super::{ga4, utm};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::error::Result;
use crate::syntax::{OneOrMany, Spanned, bad_regex};

/// The rule sets that are shipped.
const RULE_SETS: [&str; 2] = ["ga4_default", "none"];

/// Compiles everything that decides; mistakes go to `diags`, and what is wrong is left out.
pub(super) fn compile(spec: &SourceMapping, diags: &mut Diagnostics) -> Result<RuleBook> {
    let mut sides = Vec::new();
    let mut side = |table: SideTable| match sides.iter().position(|known| *known == table) {
        Some(index) => index,
        None => {
            sides.push(table);
            sides.len() - 1
        }
    };
    let categories = spec.source_categories.as_ref().map(|table| {
        let column = crate::syntax::ColumnName::new_unchecked;
        side(SideTable { from: table.value.clone(), key: column("source"), value: Some(column("source_category")) })
    });
    let campaigns = spec.campaigns.as_ref().map(|table| {
        let (key, channel) = (table.key.value.clone(), table.channel.value.clone());
        side(SideTable { from: table.from.value.clone(), key, value: Some(channel) })
    });
    let mut rules = Vec::new();
    for (index, rule) in spec.rules.iter().enumerate() {
        let campaign_in = rule.when.campaign_in.as_ref().map(|table| {
            side(SideTable { from: table.from.value.clone(), key: table.column.value.clone(), value: None })
        });
        rules.push(own_rule(rule, index, campaign_in, diags));
    }
    let shipped = shipped(spec, diags)?;
    ids_are_distinct(&rules, &shipped, diags);
    rules.extend(shipped);
    Ok(RuleBook {
        mediums: mediums(spec, &rules),
        rules,
        sides,
        categories,
        campaigns,
        source_synonyms: synonyms(&spec.synonyms.source, diags),
        medium_synonyms: synonyms(&spec.synonyms.medium, diags),
        precedence: spec.precedence,
        internal: spec.internal_domains.iter().map(|host| super::url::clean_host(host)).collect(),
        unmapped_channel: spec.unmapped.channel.clone(),
        missing_source: spec.missing_source.clone(),
    })
}

fn shipped(spec: &SourceMapping, diags: &mut Diagnostics) -> Result<Vec<Rule>> {
    let Some(name) = &spec.channels else { return ga4::rules() };
    match name.as_str() {
        "ga4_default" => ga4::rules(),
        "none" => Ok(Vec::new()),
        other => {
            let message = format!("there is no rule set `{other}`");
            diags.push(
                Diagnostic::error(codes::UNKNOWN_RULE_SET, name.place, message)
                    .hint("shipped rule sets: `ga4_default`, `none`")
                    .did_you_mean(other, RULE_SETS),
            );
            Ok(Vec::new())
        }
    }
}

fn own_rule(spec: &RuleSpec, index: usize, campaign_in: Option<usize>, diags: &mut Diagnostics) -> Rule {
    let when = &spec.when.value;
    if when.is_empty() {
        let message = "a rule without a condition holds for every touch".to_string();
        let hint = "say under `when` what must hold; the channel of all that is left is `unmapped: {channel: …}`";
        let place = if spec.when.place == Place::default() { spec.channel.place } else { spec.when.place };
        diags.push(Diagnostic::error(codes::EMPTY_RULE, place, message).hint(hint));
    }
    let id = spec.id.as_ref().map_or_else(|| default_id(index, &spec.channel), |id| id.value.clone());
    Rule {
        id,
        channel: spec.channel.value.clone(),
        source: spec.source.clone(),
        medium: spec.medium.clone(),
        campaign: spec.campaign.clone(),
        place: Some(spec.id.as_ref().unwrap_or(&spec.channel).place),
        tests: tests(when, diags),
        clicks: when.click_id.as_ref().map(|names| click_test(names, diags)),
        categories: when.source_category.as_ref().map(|categories| categories.0.clone()),
        campaign_in,
    }
}

/// `03_paid_social`: where the rule stands and what it gives.
fn default_id(index: usize, channel: &str) -> String {
    let word: String =
        channel.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("{:02}_{}", index + 1, word.trim_matches('_'))
}

fn tests(when: &When, diags: &mut Diagnostics) -> BTreeMap<Field, Test> {
    let fields = [
        (Field::TaggedSource, &when.source),
        (Field::TaggedMedium, &when.medium),
        (Field::Campaign, &when.campaign),
        (Field::ReferrerHost, &when.referrer_host),
        (Field::LandingHost, &when.landing_host),
    ];
    let given = fields.into_iter().filter_map(|(field, entries)| entries.as_ref().map(|entries| (field, entries)));
    given.map(|(field, entries)| (field, test(field, entries, diags))).collect()
}

fn test(field: Field, entries: &Patterns, diags: &mut Diagnostics) -> Test {
    let mut test = Test::default();
    for entry in &entries.0 {
        match entry.strip_prefix('~') {
            Some(pattern) => match Pattern::new(pattern) {
                Ok(pattern) => test.patterns.push(pattern),
                Err(error) => diags.push(bad_regex(entry, pattern, &error)),
            },
            None if field.is_host() => {
                test.texts.insert(super::url::clean_host(entry));
            }
            None => {
                test.texts.insert(clean(entry));
            }
        }
    }
    test
}

fn click_test(names: &OneOrMany<Spanned<String>>, diags: &mut Diagnostics) -> ClickTest {
    let mut test = ClickTest::default();
    for name in &names.0 {
        match name.as_str() {
            "any" => test.any |= clicks::all_bits(),
            "paid" => test.any |= clicks::paid_bits(),
            "none" => test.absent = true,
            other => test.any |= click_bit(other, name.place, &["any", "paid", "none"], diags),
        }
    }
    test
}

/// The bit of a click id by its name; an unknown one is reported.
pub(super) fn click_bit(name: &str, place: Place, words: &[&str], diags: &mut Diagnostics) -> ClickBits {
    if let Some(index) = clicks::by_name(name.trim().as_bytes()) {
        return 1 << index;
    }
    let known = clicks::KINDS.iter().map(|kind| kind.name).chain(words.iter().copied());
    let names: Vec<String> = clicks::KINDS.iter().map(|kind| format!("`{}`", kind.name)).collect();
    diags.push(
        Diagnostic::error(codes::BAD_CLICK_ID, place, format!("`{name}` is not a click id that is known"))
            .hint(format!("known click ids: {}", names.join(", ")))
            .did_you_mean(name, known),
    );
    0
}

fn ids_are_distinct(own: &[Rule], shipped: &[Rule], diags: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, Option<Place>> = shipped.iter().map(|rule| (rule.id.as_str(), None)).collect();
    seen.extend([(UNMAPPED, None), (CAMPAIGN_TABLE, None)]);
    for rule in own {
        let Some(earlier) = seen.insert(&rule.id, rule.place) else { continue };
        let message = format!("the rule id `{}` is used twice", rule.id);
        let found = Diagnostic::error(codes::DUPLICATE_RULE, rule.place, message);
        diags.push(match earlier {
            Some(place) => found.related(place, "the first one"),
            None => found.hint(format!("`{}` is the id of a shipped rule; choose another", rule.id)),
        });
    }
}

/// The list for the grade: the user's, or the built-in one with every medium that own rules name.
fn mediums(spec: &SourceMapping, rules: &[Rule]) -> BTreeSet<String> {
    if let Some(allowed) = &spec.allowed_mediums {
        return allowed.iter().map(|medium| clean(medium)).collect();
    }
    let named = rules.iter().filter_map(|rule| rule.tests.get(&Field::TaggedMedium)).flat_map(|test| &test.texts);
    let known = utm::MEDIUMS.iter().map(|medium| (*medium).to_string());
    known.chain(named.cloned()).chain(spec.synonyms.medium.values().map(|medium| clean(medium))).collect()
}

/// Follows every spelling to its end, so that one look-up does.
fn synonyms(given: &IndexMap<Spanned<String>, String>, diags: &mut Diagnostics) -> BTreeMap<String, String> {
    let direct: BTreeMap<String, String> = given.iter().map(|(from, to)| (clean(from), clean(to))).collect();
    let mut done = BTreeMap::new();
    for from in given.keys() {
        let start = clean(from);
        let mut path = vec![start.clone()];
        while let Some(next) = path.last().and_then(|last| direct.get(last)) {
            if path.contains(next) {
                path.push(next.clone());
                let message = format!("`{}` leads in a circle: {}", from.value, path.join(" → "));
                diags.push(Diagnostic::error(codes::BAD_SYNONYM, from.place, message));
                return BTreeMap::new();
            }
            path.push(next.clone());
        }
        if let Some(end) = path.pop() {
            done.insert(start, end);
        }
    }
    done
}
