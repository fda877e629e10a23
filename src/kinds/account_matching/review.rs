//! What can be wrong with a spec beside its expressions, and what a run's counts give to say.

use super::notes::{COMMON_KEYS, UNUSABLE_ALIASES};
use super::spec::AccountMatching;
use super::tier::{Tier, TierSpec};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::text::domain;
use crate::kinds::{FactRow, fact};
use crate::syntax::Spanned;

/// One, in millionths.
pub(super) const WHOLE: u32 = 1_000_000;
/// The least similarity where none is said.
const USUAL: u32 = 920_000;
/// Below this, names that have nothing to do with each other are alike.
const LOWEST: u32 = 700_000;

/// The social networks and listings at which companies have a page of their own.
const SHARED_WEBSITES: [&str; 9] = [
    "facebook.com",
    "instagram.com",
    "linkedin.com",
    "linktr.ee",
    "tiktok.com",
    "twitter.com",
    "x.com",
    "xing.com",
    "youtube.com",
];

/// Limits that leave nothing.
pub(super) fn limits(spec: &AccountMatching, diags: &mut Diagnostics) {
    let limits = [("max_accounts_per_key", spec.max_accounts_per_key), ("max_names_compared", spec.max_names_compared)];
    for (name, limit) in limits.into_iter().filter(|(_, limit)| limit.value == 0) {
        let message = format!("`{name}` is at least 1: with 0 nothing would match");
        diags.push(Diagnostic::error(codes::INVALID_VALUE, limit.place, message));
    }
}

/// The tiers in order, and the least similarity of names in millionths; mistakes go to `diags`.
pub(super) fn tiers(spec: &AccountMatching, diags: &mut Diagnostics) -> Option<(Vec<Tier>, u32)> {
    let Some(written) = &spec.tiers else {
        let able: Vec<Tier> = Tier::ALL.into_iter().filter(|tier| lacks(*tier, spec).is_empty()).collect();
        if able.is_empty() {
            nothing_to_match_by(spec.leads.from.place, diags);
            return None;
        }
        return Some((able, USUAL));
    };
    let mut least = USUAL;
    let mut seen: Vec<&Spanned<TierSpec>> = Vec::new();
    for tier in &written.value {
        if let Some(first) = seen.iter().find(|known| known.value.tier == tier.value.tier) {
            let message = format!("the tier `{}` stands here twice", tier.value.tier.word());
            let twice = Diagnostic::error(codes::TIER_TWICE, tier.place, message);
            diags.push(twice.related(first.place, "the first one").hint("remove one of them"));
        }
        needs(tier, spec, diags);
        if let Some(text) = &tier.value.least {
            least = similarity(text, diags).unwrap_or(least);
        }
        hidden(tier, &seen, spec, diags);
        seen.push(tier);
    }
    if seen.is_empty() {
        nothing_to_match_by(written.place, diags);
        return None;
    }
    Some((seen.iter().map(|tier| tier.value.tier).collect(), least))
}

fn nothing_to_match_by(place: Place, diags: &mut Diagnostics) {
    let message = "there is nothing to match leads with accounts by";
    let hint = "declare fields on both sides, such as `email` of the leads and `website` of the accounts";
    diags.push(Diagnostic::error(codes::NO_TIER, place, message.to_string()).hint(hint));
}

/// The fields that a tier compares and the spec does not have.
fn lacks(tier: Tier, spec: &AccountMatching) -> Vec<&'static str> {
    let (leads, accounts) = (&spec.leads.fields, &spec.accounts.fields);
    let has_host = accounts.domain.is_some() || accounts.website.is_some();
    let needed: &[(bool, &str)] = match tier {
        Tier::AccountId => &[(leads.account_id.is_some(), "`account_id` of the leads")],
        Tier::EmailDomain => {
            &[(leads.email.is_some(), "`email` of the leads"), (has_host, "`domain` or `website` of the accounts")]
        }
        Tier::WebsiteDomain => {
            &[(leads.website.is_some(), "`website` of the leads"), (has_host, "`website` or `domain` of the accounts")]
        }
        Tier::NameAndCountry | Tier::SimilarName => &[
            (leads.company.is_some(), "`company` of the leads"),
            (leads.country.is_some(), "`country` of the leads"),
            (accounts.name.is_some(), "`name` of the accounts"),
            (accounts.country.is_some(), "`country` of the accounts"),
        ],
    };
    needed.iter().filter(|(there, _)| !there).map(|(_, field)| *field).collect()
}

fn needs(tier: &Spanned<TierSpec>, spec: &AccountMatching, diags: &mut Diagnostics) {
    let lacking = lacks(tier.value.tier, spec);
    if !lacking.is_empty() {
        let message =
            format!("the tier `{}` compares {}, which is not declared", tier.value.tier.word(), lacking.join(" and "));
        let hint = "declare it under `fields`, or leave the tier out";
        diags.push(Diagnostic::error(codes::TIER_WITHOUT_FIELD, tier.place, message).hint(hint));
    }
}

/// Warns of a tier that an earlier one leaves nothing.
fn hidden(tier: &Spanned<TierSpec>, before: &[&Spanned<TierSpec>], spec: &AccountMatching, diags: &mut Diagnostics) {
    let similar = before.iter().find(|earlier| earlier.value.tier == Tier::SimilarName);
    let by_state = spec.leads.fields.state.is_some() && spec.accounts.fields.state.is_some();
    if let Some(similar) = similar.filter(|_| tier.value.tier == Tier::NameAndCountry && !by_state) {
        let message = "`name_and_country` finds nothing after `similar_name`: equal names are similar".to_string();
        let hidden = Diagnostic::warning(codes::HIDDEN_TIER, tier.place, message);
        diags.push(hidden.related(similar.place, "finds them before").hint("put `name_and_country` first"));
    }
}

/// A least similarity in millionths.
fn similarity(text: &Spanned<String>, diags: &mut Diagnostics) -> Option<u32> {
    let (whole, decimals) = text.value.trim().split_once('.').unwrap_or((text.value.trim(), ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let read = (whole.len() == 1 && decimals.len() <= 6 && digits(whole) && digits(decimals))
        .then(|| format!("{whole}{decimals:0<6}").parse::<u32>().ok())
        .flatten();
    let fits = read.filter(|least| (LOWEST..=WHOLE).contains(least));
    if fits.is_none() {
        let message = format!("`{text}` is not a similarity of names that can be asked for");
        let hint = "write a number from 0.7 to 1 with at most six decimals, as in `similar_name: 0.92`";
        diags.push(Diagnostic::error(codes::BAD_SIMILARITY, text.place, message).hint(hint));
    }
    fits
}

/// The hosts that as a website say nothing.
pub(super) fn shared_websites(spec: &AccountMatching, diags: &mut Diagnostics) -> Vec<String> {
    let Some(written) = &spec.shared_websites else { return SHARED_WEBSITES.map(str::to_string).to_vec() };
    let read = written.0.iter().filter_map(|text| {
        let host = domain::host(&text.value);
        if host.is_none() {
            let message = format!("`{text}` is not a host");
            let hint = "write it as in `facebook.com`";
            diags.push(Diagnostic::error(codes::INVALID_VALUE, text.place, message).hint(hint));
        }
        host
    });
    read.collect()
}

/// Tells what stands out in the facts of a run.
pub(super) fn after(spec: &AccountMatching, facts: &[FactRow], diags: &mut Diagnostics) {
    let count = |fact: &str, item: &str| -> i64 {
        facts.iter().filter(|row| row.fact == fact && row.item == item).map(|row| row.rows).sum()
    };
    if count(fact::OUT, "leads") == 0 || count(fact::OUT, "accounts") == 0 {
        return;
    }
    for row in facts.iter().filter(|row| row.fact == fact::POLICY && row.rows > 0) {
        let Some(tier) = row.item.strip_prefix(COMMON_KEYS) else { continue };
        let message = format!(
            "{} values that the tier `{tier}` compares stand at more than {} accounts each, and match none",
            row.rows, spec.max_accounts_per_key.value
        );
        let hint = "look for placeholders and resellers among the accounts, or raise `max_accounts_per_key`";
        diags.push(Diagnostic::warning(codes::COMMON_KEYS, spec.accounts.from.place, message).hint(hint));
    }
    let unusable = count(fact::POLICY, UNUSABLE_ALIASES);
    if let Some(aliases) = spec.aliases.as_ref().filter(|_| unusable > 0) {
        let message = format!(
            "{unusable} aliases are not used: one of the two is no domain of a company, or the alias leads to another \
             domain already"
        );
        diags.push(Diagnostic::warning(codes::UNUSABLE_ALIASES, aliases.from.place, message));
    }
    for tier in spec.tiers.iter().flat_map(|tiers| &tiers.value) {
        if count(fact::RULE, tier.value.tier.word()) == 0 {
            let message = format!("the tier `{}` found no account in this run", tier.value.tier.word());
            let hint = "look at the fields that it compares on both sides";
            diags.push(Diagnostic::warning(codes::UNUSED_TIER, tier.place, message).hint(hint));
        }
    }
}
