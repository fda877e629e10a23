//! The fields of a model: what they hold, and which value of them survives.

use super::matching::FieldKind;
use super::policy::Policy;
use super::resolve::ResolvedSource;
use super::review;
use super::spec::Dedupe;
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::kinds::typing::Promise;
use crate::syntax::{ColumnName, Spanned};

/// One field of the model.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: ColumnName,
    pub(super) kind: FieldKind,
    pub(super) promise: Promise,
    pub(super) policy: Policy,
    /// The rank of each system where the policy asks for systems, 0 the first to be believed.
    pub(super) priority: Vec<u16>,
    /// Whether some source knows when this field was changed.
    pub(super) has_instant: bool,
    /// Values that never link, in lower case and without surrounding spaces.
    pub(super) ignored: Vec<String>,
}

impl Field {
    /// Where it says in which country a record's phone numbers are dialled, how near to the record: its own
    /// country before that of one of its addresses, and that before its account's.
    pub(super) fn country_rank(&self) -> Option<u8> {
        let name = self.name.as_str();
        let name = name.strip_suffix("_code").unwrap_or(name);
        let of = name.strip_suffix("country").filter(|of| of.is_empty() || of.ends_with('_'));
        let of = of.filter(|_| self.kind == FieldKind::Category && self.ty() == ColumnType::Text)?;
        Some(match of.trim_end_matches('_') {
            "" => 0,
            "account" | "company" => 2,
            _ => 1,
        })
    }

    /// The type of its column.
    pub(super) fn ty(&self) -> ColumnType {
        self.promise.ty.unwrap_or(ColumnType::Text)
    }
}

/// The key of `survive:` that stands for all other fields.
const DEFAULT: &str = "default";

/// Gives every field its kind and its policy.
pub(super) fn resolve(
    spec: &Dedupe,
    promises: Vec<(&ColumnName, Promise)>,
    sources: &[ResolvedSource],
    systems: &[String],
    diags: &mut Diagnostics,
) -> Option<Vec<Field>> {
    let names: Vec<&str> = promises.iter().map(|(name, _)| name.as_str()).collect();
    let mentioned = spec.kinds.keys().chain(spec.ignored_values.keys());
    let surviving = spec.survive.keys().filter(|name| name.as_str() != DEFAULT || names.contains(&DEFAULT));
    let unknown = mentioned.chain(surviving).filter(|name| !names.contains(&name.as_str()));
    let before = diags.len();
    unknown.for_each(|name| review::unknown_field(name, names.iter().copied(), diags));
    spec.survive.values().for_each(|policy| known_systems(policy, systems, diags));
    if diags.len() > before {
        return None;
    }
    let of = |name: &str| spec.survive.iter().find(|(field, _)| field.as_str() == name).map(|(_, p)| p.value.clone());
    let default = of(DEFAULT).unwrap_or(Policy::MostRecent);
    let fields = promises.into_iter().enumerate().map(|(at, (name, promise))| {
        let declared = spec.kinds.iter().find(|(field, _)| field.value == *name).map(|(_, kind)| *kind);
        let policy = of(name.as_str()).unwrap_or_else(|| default.clone());
        let ignored = spec.ignored_values.iter().find(|(field, _)| field.value == *name);
        let ignored = ignored.into_iter().flat_map(|(_, values)| &values.0);
        Field {
            kind: declared.unwrap_or_else(|| usual_kind(name.as_str(), spec.entity.as_str())),
            priority: priority(&policy, systems),
            has_instant: sources.iter().any(|source| matches!(source.values_updated_at.get(at), Some(Some(_)))),
            ignored: ignored.map(|value| value.trim().to_lowercase()).collect(),
            name: name.clone(),
            promise,
            policy,
        }
    });
    Some(fields.collect())
}

fn known_systems(policy: &Spanned<Policy>, systems: &[String], diags: &mut Diagnostics) {
    let Policy::Prefer(preferred) = &policy.value else { return };
    for system in preferred.iter().filter(|system| !systems.contains(&system.value)) {
        let message = format!("no table of records is of the system `{system}`");
        let known = systems.iter().map(String::as_str);
        diags.push(Diagnostic::error(codes::UNKNOWN_SYSTEM, system.place, message).did_you_mean(&system.value, known));
    }
}

/// Preferred systems in their order, then the others in that of `records:`.
fn priority(policy: &Policy, systems: &[String]) -> Vec<u16> {
    let preferred: &[Spanned<String>] = match policy {
        Policy::Prefer(preferred) => preferred,
        _ => &[],
    };
    let rank = |(at, system): (usize, &String)| {
        let rank = preferred.iter().position(|known| known.value == *system).unwrap_or(preferred.len() + at);
        u16::try_from(rank).unwrap_or(u16::MAX)
    };
    systems.iter().enumerate().map(rank).collect()
}

/// What a field of that name usually holds.
fn usual_kind(name: &str, entity: &str) -> FieldKind {
    let company = name == "name" && (entity == "account" || entity == "company");
    if company { FieldKind::Company } else { FieldKind::of_name(name) }
}
