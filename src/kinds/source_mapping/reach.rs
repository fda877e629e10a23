//! Rules that can never fire, where that can be proven from the rules alone.

use super::categories::Categories;
use super::clicks::ClickBits;
use super::rules::{Field, Pattern, Rule, RuleBook, Test};
use super::spec::Category;
use crate::diag::{Diagnostic, Diagnostics, codes};

/// What a model has to ask about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Given {
    /// There may be a source, medium, campaign.
    pub(super) utm: [bool; 3],
    /// There is a referrer.
    pub(super) referrer: bool,
    /// There is a landing page.
    pub(super) landing_page: bool,
    /// The click ids that can be found.
    pub(super) clicks: ClickBits,
}

/// Warns of every own rule that cannot fire.
pub(super) fn report(book: &RuleBook, given: Given, diags: &mut Diagnostics) {
    for (index, rule) in book.rules.iter().enumerate().filter(|(_, rule)| rule.is_own()) {
        if let Some(why) = impossible(book, rule, given) {
            let message = format!("the rule `{}` can never fire: {why}", rule.id);
            diags.push(Diagnostic::warning(codes::UNREACHABLE_RULE, rule.place, message));
            continue;
        }
        let earlier = book.rules.iter().take(index).filter(|earlier| earlier.is_own());
        if let Some(cover) = earlier.into_iter().find(|earlier| covers(earlier, rule)) {
            let message = format!(
                "the rule `{}` can never fire: `{}` stands before it and holds whenever it does",
                rule.id, cover.id
            );
            let hint = "put the narrower rule first, or remove it";
            let found = Diagnostic::warning(codes::UNREACHABLE_RULE, rule.place, message).hint(hint);
            diags.push(match cover.place {
                Some(place) => found.related(place, "this one is tried first"),
                None => found,
            });
        }
    }
}

/// Why a rule contradicts itself or the model, if it does.
fn impossible(book: &RuleBook, rule: &Rule, given: Given) -> Option<String> {
    for (field, test) in &rule.tests {
        let (present, name) = match field {
            Field::TaggedSource => (given.utm[0], "source"),
            Field::TaggedMedium => (given.utm[1], "medium"),
            Field::Campaign => (given.utm[2], "campaign"),
            Field::ReferrerHost => (given.referrer, "referrer"),
            Field::LandingHost => (given.landing_page, "landing page"),
            Field::Source | Field::Medium => continue,
        };
        if !present && !test.holds(*field, "") {
            return Some(format!("the model has no {name}"));
        }
        if let Some(why) = only_replaced_spellings(book, *field, test) {
            return Some(why);
        }
    }
    if let Some(clicks) = rule.clicks
        && !clicks.absent
        && clicks.any & given.clicks == 0
    {
        return Some("the model has neither a landing page nor a column for this click id".to_string());
    }
    contradicting_category(book, rule)
}

/// Synonyms are replaced before rules are tried, so their spellings never meet a rule.
fn only_replaced_spellings(book: &RuleBook, field: Field, test: &Test) -> Option<String> {
    let synonyms = match field {
        Field::TaggedSource => &book.source_synonyms,
        Field::TaggedMedium => &book.medium_synonyms,
        _ => return None,
    };
    if !test.patterns.is_empty() || test.texts.is_empty() {
        return None;
    }
    let all_replaced = test.texts.iter().all(|text| synonyms.contains_key(text));
    let first = test.texts.iter().find_map(|text| synonyms.get(text).map(|to| (text, to)));
    first
        .filter(|_| all_replaced)
        .map(|(text, to)| format!("`{text}` is a synonym and is replaced by `{to}` before rules are tried"))
}

/// Sources that are written out and all of other sorts than the rule asks for.
fn contradicting_category(book: &RuleBook, rule: &Rule) -> Option<String> {
    let wanted: &[Category] = rule.categories.as_deref()?;
    let source = rule.tests.get(&Field::TaggedSource)?;
    if book.categories.is_some() || !source.patterns.is_empty() || source.texts.contains("") {
        return None;
    }
    let known = Categories::built_in();
    let fits = |text: &String| known.of(text).is_some_and(|category| wanted.contains(&category));
    (!source.texts.iter().any(fits)).then(|| "no source it names is of the category it asks for".to_string())
}

/// Whether `earlier` holds for every touch for which `later` holds: each thing it asks is asked by
/// `later` too, and at least as strictly.
pub(super) fn covers(earlier: &Rule, later: &Rule) -> bool {
    let tests = earlier.tests.iter().all(|(field, weak)| {
        later.tests.get(field).is_some_and(|strict| implies(*field, strict, weak)) || always(weak)
    });
    let clicks = earlier.clicks.is_none_or(|weak| {
        later.clicks.is_some_and(|strict| strict.any & !weak.any == 0 && (weak.absent || !strict.absent))
    });
    let categories = earlier.categories.as_ref().is_none_or(|weak| {
        later.categories.as_ref().is_some_and(|strict| strict.iter().all(|category| weak.contains(category)))
    });
    tests && clicks && categories && (earlier.campaign_in.is_none() || earlier.campaign_in == later.campaign_in)
}

/// Whether every value that passes `strict` passes `weak`.
fn implies(field: Field, strict: &Test, weak: &Test) -> bool {
    let same = |pattern: &Pattern| weak.patterns.iter().any(|other| other.text == pattern.text);
    let text = |text: &String| {
        // A host's name stands for its subdomains too, so that a pattern that matches it proves nothing.
        if field.is_host() {
            super::url::parents(text).any(|host| weak.texts.contains(host))
        } else {
            weak.holds(field, text)
        }
    };
    always(weak) || (strict.texts.iter().all(text) && strict.patterns.iter().all(same))
}

/// Whether a test holds for every value, the missing one included.
fn always(test: &Test) -> bool {
    test.patterns.iter().any(|pattern| ["", ".*", "^", "$", "^.*", ".*$"].contains(&pattern.text.as_str()))
}
