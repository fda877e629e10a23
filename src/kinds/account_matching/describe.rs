//! What the tables promise, in words that hold this model's own parameters.

use super::matcher::Decided;
use super::operator::{BY_ID, BY_SIMILARITY, SCORE};
use super::resolve::{LeadText, Resolved};
use super::spec::AccountMatching;
use super::tier::Tier;
use crate::contract::{Column, ColumnType, Contract, Methodology, Pii, Role, rejects_contract};
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, made};
use crate::syntax::ColumnName;

/// The ending of the summary's name.
pub(super) const SUMMARY: &str = "_summary";

/// What stands for a tier where there is no match.
pub(super) const NO_MATCH: &str = "(no match)";

/// Why rows are rejected: leads without an id and repeated, accounts without an id and repeated.
pub(super) const REASONS: [(&str, &str); 4] = [
    ("null_lead_id", "the lead has no id"),
    ("duplicate_lead_id", "another row of the lead counts: the one whose values come first, a missing one last"),
    ("null_account_id", "the account has no id"),
    ("duplicate_account_id", "another row of the account counts: the one that is preferred"),
];

/// The contracts of all tables, the main one first.
pub(super) fn contracts(spec: &AccountMatching, resolved: &Resolved, scope: &Scope<'_>) -> Vec<Contract> {
    let writer = Writer { spec, resolved, scope };
    vec![writer.matches(), writer.summary(), writer.rejects()]
}

struct Writer<'a> {
    spec: &'a AccountMatching,
    resolved: &'a Resolved,
    scope: &'a Scope<'a>,
}

impl Writer<'_> {
    fn matches(&self) -> Contract {
        let (leads, accounts) = (&self.resolved.leads, &self.resolved.accounts);
        let key = |name: &str, promise: &Promise, text: String| {
            made(name, promise.ty.unwrap_or(ColumnType::Text), text, &[promise]).pii(promise.pii)
        };
        let compared = [&leads.texts_promise, &accounts.texts_promise];
        let lead = format!("The lead, by its id in `{}`.", leads.table);
        let account = format!(
            "The account that the lead belongs to, by its id in `{}`; NULL where no tier found one.",
            accounts.table
        );
        let on = "What was compared, as it was compared: the account id that the lead names, the domain, or the lead's \
                  company name; NULL without a match.";
        let columns = vec![
            key("lead_id", &leads.id_promise, lead).pii(leads.id_promise.pii.max(Pii::Indirect)).not_null(),
            key("account_id", &accounts.id_promise, account),
            made("tier", ColumnType::Text, self.tier(), &compared),
            made("score", ColumnType::Decimal(SCORE.0, SCORE.1), self.score(), &compared).never_adds_up(),
            made("candidates", ColumnType::Int, self.candidates(), &compared).not_null(),
            made("decided_by", ColumnType::Text, self.decided_by(), &[&self.resolved.preferred, &leads.texts_promise]),
            made("matched_on", ColumnType::Text, on, &compared).pii(Pii::Indirect),
        ];
        Contract {
            table: self.scope.model.clone(),
            role: Role::Main,
            description: self.with_user("The account of each lead, with how it was found and how sure that is."),
            grain: vec![ColumnName::new_unchecked("lead_id")],
            columns,
            methodology: self.methodology(),
        }
    }

    fn with_user(&self, ours: &str) -> String {
        let user = self.scope.description.trim();
        if user.is_empty() { ours.to_string() } else { format!("{user} {ours}") }
    }

    fn tier(&self) -> String {
        let tiers: Vec<String> =
            self.resolved.tiers.iter().map(|tier| format!("`{}` ({})", tier.word(), tier.sentence())).collect();
        format!(
            "How the account was found, the first of these that found any: {}; NULL without a match.",
            tiers.join(", ")
        )
    }

    fn score(&self) -> &'static str {
        if self.resolved.tiers.contains(&Tier::SimilarName) {
            "How alike what was compared is: 1 for equal, for `similar_name` the Jaro–Winkler similarity of the names; exact \
             to the sixth decimal, since ties are told by it; NULL without a match."
        } else {
            "How alike what was compared is: 1, as all tiers of this model ask for equality; NULL without a match."
        }
    }

    fn candidates(&self) -> String {
        format!(
            "How many accounts the tier found; 0 without a match. More than 1 is ambiguous: `decided_by` says why this \
             one. What more than {} accounts share finds none of them.",
            self.resolved.max_accounts
        )
    }

    fn decided_by(&self) -> String {
        let mut words = Vec::new();
        if self.resolved.tiers.contains(&Tier::SimilarName) {
            words.push(format!("`{}` (its name is the most similar)", self.word(Decided::Similarity)));
        }
        words.extend((0..self.resolved.prefer.len()).map(|at| format!("`{}`", self.word(Decided::Preference(at)))));
        words.push(format!("`{}` (its id is the lowest)", self.word(Decided::Id)));
        format!(
            "What told the account from the next best that the tier found, where there were several: {}; NULL where it was the only one.",
            words.join(", ")
        )
    }

    /// The word that stands for a decision in the table.
    fn word(&self, decided: Decided) -> &str {
        match decided {
            Decided::Similarity => BY_SIMILARITY,
            Decided::Id => BY_ID,
            Decided::Preference(at) => self.resolved.prefer.get(at).map_or(BY_ID, |prefer| &prefer.title),
        }
    }

    fn summary(&self) -> Contract {
        let (leads, accounts) = (&self.resolved.leads, &self.resolved.accounts);
        let compared = [&leads.texts_promise, &accounts.texts_promise];
        let column = |name: &str, ty: ColumnType, text: &str| made(name, ty, text, &compared);
        let score = ColumnType::Decimal(SCORE.0, SCORE.1);
        let tier = format!("The tier; `{NO_MATCH}` for leads without an account.");
        let columns: Vec<Column> = vec![
            made("position", ColumnType::Int, "The tier's place in the order in which they are asked.", &[]).not_null(),
            made("tier", ColumnType::Text, tier, &[]).not_null(),
            column("leads", ColumnType::BigInt, "How many leads the tier found an account for.").not_null(),
            column("leads_share", ColumnType::Double, "Their part in all leads; a ratio: never add or average it.")
                .never_adds_up(),
            column("ambiguous", ColumnType::BigInt, "For how many of them it found several accounts.").not_null(),
            column("mean_score", score, "The mean of their scores; NULL where there are none.").never_adds_up(),
        ];
        Contract {
            table: self.scope.model.with_suffix(SUMMARY),
            role: Role::Companion,
            description: "How many leads each tier found an account for, and for how many it had a choice.".to_string(),
            grain: vec![ColumnName::new_unchecked("tier")],
            columns,
            methodology: Methodology {
                summary: vec![format!("`{}` counted by tier. Every lead is in exactly one row.", self.scope.model)],
                limits: vec![
                    "A match is not proof: the share that is right is known only from leads whose account is known otherwise."
                        .to_string(),
                ],
                ..Methodology::default()
            },
        }
    }

    fn rejects(&self) -> Contract {
        let mut rejects = rejects_contract(self.scope.model, &REASONS);
        let keys = [&self.resolved.leads.id_promise, &self.resolved.accounts.id_promise];
        for column in rejects.columns.iter_mut().filter(|column| column.name.as_str() == "source_key") {
            column.pii = keys.iter().map(|promise| promise.pii).fold(column.pii, Ord::max);
            let lineage = keys.iter().flat_map(|promise| promise.lineage.clone()).collect();
            *column = column.clone().from_columns(lineage);
        }
        rejects
    }

    fn methodology(&self) -> Methodology {
        let resolved = self.resolved;
        let listed: Vec<String> = (1..)
            .zip(&resolved.tiers)
            .map(|(place, tier): (usize, _)| format!("{place}. `{}`: {}", tier.word(), tier.sentence()))
            .collect();
        let mut summary = vec![
            format!(
                "The account of a lead of `{}` is looked for among `{}` tier by tier; the first tier that finds any decides, \
                 and later ones are not asked. {}.",
                resolved.leads.table,
                resolved.accounts.table,
                listed.join("; ")
            ),
            self.preferences(),
        ];
        let by_domain = resolved.tiers.contains(&Tier::EmailDomain) || resolved.tiers.contains(&Tier::WebsiteDomain);
        if by_domain {
            summary.push(self.domains());
        }
        if resolved.tiers.contains(&Tier::SimilarName) {
            summary.push(self.similar());
        }
        let mut assumptions = Vec::new();
        if by_domain {
            assumptions.push("Whoever writes from a company's domain belongs to that company.".to_string());
        }
        if resolved.tiers.contains(&Tier::NameAndCountry) || resolved.tiers.contains(&Tier::SimilarName) {
            summary.extend((!resolved.names_across_domains).then(|| {
                "A lead whose e-mail address is at a company's domain is not matched by name with an account whose domain is \
                 known to be another one."
                    .to_string()
            }));
        }
        let limits = vec![
            "A match is not proof: `score` and `candidates` say how sure it is.".to_string(),
            format!(
                "A domain or a name and country that more than {} accounts share finds none of them.",
                resolved.max_accounts
            ),
        ];
        Methodology { summary, assumptions, limits }
    }

    fn preferences(&self) -> String {
        let titles: Vec<String> = self.resolved.prefer.iter().map(|prefer| format!("`{}`", prefer.title)).collect();
        match titles.is_empty() {
            true => "Of several accounts that a tier finds, the one with the lowest id is taken.".to_string(),
            false => format!(
                "Of several accounts that a tier finds, the one is taken that goes before the others by {}, in this order; \
                 what is left undecided goes to the lowest id.",
                titles.join(", ")
            ),
        }
    }

    fn domains(&self) -> String {
        let mut text = "Domains are compared as hosts, from the lead's own upwards to the one that is registered (public \
                        suffix list): `emea.example.com` belongs to the account at `example.com`, unless an account is at \
                        `emea.example.com` itself. Free mail and mailboxes that are thrown away belong to no account."
            .to_string();
        if let Some(aliases) = &self.resolved.aliases {
            text.push_str(&format!(" Domains that `{}` lists stand for those it names.", aliases.table));
        }
        if self.resolved.tiers.contains(&Tier::WebsiteDomain) && !self.resolved.shared_websites.is_empty() {
            let shared: Vec<String> = self.resolved.shared_websites.iter().map(|host| format!("`{host}`")).collect();
            text.push_str(&format!(" As websites, pages at {} say nothing.", shared.join(", ")));
        }
        text
    }

    fn similar(&self) -> String {
        let resolved = self.resolved;
        let by_state = self.spec.accounts.fields.state.is_some()
            && resolved.leads.texts.get(LeadText::State as usize).is_some_and(Option::is_some);
        let state = if by_state { ", and of the same state where both are known" } else { "" };
        format!(
            "Names are similar from a Jaro–Winkler similarity of {} on; the most similar one is taken. Only names of the same \
             country{state} are compared, and only those that begin with the same letter: with as many letters as leave at \
             most {} names to compare with.",
            millionths(resolved.least),
            resolved.max_names
        )
    }
}

/// A number of millionths, without the last zeros.
fn millionths(number: u32) -> String {
    let text = format!("{}.{:06}", number / 1_000_000, number % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
