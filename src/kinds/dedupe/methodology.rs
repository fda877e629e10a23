//! How the tables come about, in words that hold this model's own parameters.

use super::describe::{Words, quoted};
use super::fields::Field;
use super::matching::FieldKind;
use super::policy::Policy;
use super::terms::{Rule, RuleTest};
use crate::contract::Methodology;
use crate::kinds::article::capital_a;
use crate::syntax::TableName;

impl Words<'_> {
    pub(super) fn methodology(&self) -> Methodology {
        let who = self.who();
        let tables: Vec<&TableName> = self.resolved.sources.iter().map(|source| &source.table).collect();
        let mut summary = vec![format!(
            "Records are read from {}. Two records are about the same {who} where a rule links them, and so are all records that links lead to.",
            quoted(tables.into_iter().map(TableName::as_str))
        )];
        let rules = self
            .resolved
            .rules
            .iter()
            .enumerate()
            .map(|(at, rule)| format!("{}. `{}`: {}", at + 1, rule.name, self.rule(rule)));
        summary.push(format!("The rules, the strongest first: {}.", rules.collect::<Vec<_>>().join("; ")));
        summary.extend(self.decisions());
        summary.extend(self.compared());
        summary.extend(self.ignored());
        summary.push(format!(
            "A key that more than {} records share links none of them. A cluster of more than {} records is taken apart and set aside.",
            self.resolved.max_records_per_key, self.resolved.max_cluster
        ));
        if !self.resolved.uniques.is_empty() {
            let uniques = quoted(self.resolved.uniques.iter().map(|unique| unique.text.as_str()));
            summary.push(format!("{} has one value at most of {uniques}: links are made strongest first, and one that would bring two values together is refused. A key whose records have more than {} of them links none of them.", capital_a(who), self.resolved.max_ids_per_key));
        }
        summary.push(format!(
            "{}'s id is made of its oldest record and kept from release to release: when two merge, the older id lives on and the other redirects to it; when one splits, the part with the anchor record keeps the id.",
            capital_a(who)
        ));
        let limits = vec![format!(
            "Two records of the same {who} that share no key stay apart; two {who} records that share one by mistake are held for one."
        )];
        Methodology { summary, assumptions: self.assumptions(), limits }
    }

    /// What a rule asks for.
    fn rule(&self, rule: &Rule) -> String {
        let keys = quoted(rule.keys.iter().map(|key| key.text.as_str()));
        let name = |at: usize| self.resolved.fields.get(at).map_or("", |field| field.name.as_str());
        match &rule.test {
            RuleTest::Equal => format!("equal {keys}"),
            RuleTest::MergedInto => "their system says that one was merged into the other".to_string(),
            RuleTest::Similar(fields) => {
                let fields = fields.iter().map(|(at, tests)| {
                    let tests: Vec<String> = tests.iter().map(ToString::to_string).collect();
                    format!("`{}` ({})", name(*at), tests.join(" or "))
                });
                format!(
                    "similar {} where {keys} are equal, of at most {} records",
                    fields.collect::<Vec<_>>().join(", "),
                    self.resolved.max_block
                )
            }
            RuleTest::Likely(likely) => {
                let against = match likely.contradiction {
                    0.0 => String::new(),
                    most => format!(
                        ", and up to {most} two records contradict each other and are not brought together by way of others"
                    ),
                };
                let given = if likely.weights.is_some() { "given" } else { "learnt from the records of the run" };
                format!(
                    "what is found of {} makes it likely, from a probability of {} on; from {} on a pair is shown for review{against}; what findings weigh is {given}",
                    quoted(likely.fields.iter().map(|at| name(*at))),
                    likely.merge,
                    likely.review
                )
            }
        }
    }

    fn decisions(&self) -> Option<String> {
        let decisions = self.resolved.decisions.as_ref()?;
        Some(format!("Pairs that `{}` decides about go before every rule and every guard of size.", decisions.table))
    }

    /// In which form the fields are compared that rules name.
    fn compared(&self) -> Option<String> {
        let resolved = self.resolved;
        let countries = resolved.fields.iter().filter(|field| field.country_rank().is_some());
        let countries = quoted(countries.map(|field| field.name.as_str()));
        let dialled = match (countries.is_empty(), &resolved.default_country) {
            (true, None) => "where they name their country".to_string(),
            (true, Some(country)) => format!("in `{country}` where they name no country"),
            (false, None) => format!("in the country of {countries}"),
            (false, Some(country)) => format!("in the country of {countries}, else in `{country}`"),
        };
        let forms = [
            (
                FieldKind::Email,
                "as mailboxes: without regard to case, and without the dots and tags that their provider ignores"
                    .to_string(),
            ),
            (FieldKind::Phone, format!("as E.164 numbers, dialled {dialled}")),
            (FieldKind::GivenName, "without case and accents, in keys with nicknames under the full name".to_string()),
            (FieldKind::FamilyName, "without case and accents".to_string()),
            (FieldKind::FullName, "without case and accents, in keys whatever the order of their words".to_string()),
            (FieldKind::Company, "without legal forms".to_string()),
            (FieldKind::Domain, "as registered, and not at all where they are of free mail".to_string()),
        ];
        let named = |at: usize, field: &Field| {
            resolved.rules.iter().any(|rule| {
                let keys = rule.keys.iter().map(|key| key.text.as_str());
                let own =
                    |key: &str| key == field.name.as_str() || key.strip_suffix("_domain") == Some(field.name.as_str());
                rule.test.looks_at(&resolved.fields).contains(&at) || keys.into_iter().any(own)
            })
        };
        let texts = forms.iter().filter_map(|(kind, form)| {
            let fields =
                resolved.fields.iter().enumerate().filter(|(at, field)| field.kind == *kind && named(*at, field));
            let fields = quoted(fields.map(|(_, field)| field.name.as_str()));
            (!fields.is_empty()).then(|| format!("{fields} {form}"))
        });
        let texts: Vec<String> = texts.collect();
        (!texts.is_empty()).then(|| format!("Compared are {}.", texts.join("; ")))
    }

    fn ignored(&self) -> Option<String> {
        let ignoring = self.resolved.fields.iter().filter(|field| !field.ignored.is_empty());
        let fields = quoted(ignoring.map(|field| field.name.as_str()));
        (!fields.is_empty())
            .then(|| format!("Placeholders that are listed for {fields} link by no rule, however they are written."))
    }

    fn assumptions(&self) -> Vec<String> {
        let mut assumptions = vec!["A missing or blank value neither links records nor survives.".to_string()];
        let by_system = self.resolved.fields.iter().any(|field| matches!(field.policy, Policy::SourcePriority));
        if by_system {
            assumptions.push(format!("Systems are believed in this order: {}.", self.systems()));
        }
        assumptions
    }
}
