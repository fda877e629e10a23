//! What the tables promise, in words that hold this model's own parameters.

use super::evidence::OUTCOMES;
use super::notes::DECISION;
use super::resolve::Resolved;
use super::rows::REASONS;
use super::spec::Dedupe;
use super::tables::WEIGHT;
use crate::contract::{Column, ColumnType, Contract, Pii, Role, rejects_contract};
use crate::kinds::Scope;
use crate::kinds::article::a;
use crate::kinds::typing::made;
use crate::syntax::ColumnName;

/// Columns of the main table that are made by the model.
pub(super) const OWN_COLUMNS: [&str; 5] =
    ["n_records", "n_systems", "first_seen_at", "last_updated_at", "is_quarantined"];

/// The contracts of all tables.
pub(super) fn contracts(spec: &Dedupe, resolved: &Resolved, scope: &Scope<'_>) -> Vec<Contract> {
    let words = Words { resolved, scope };
    let mut contracts = vec![words.golden(), words.crosswalk(), words.redirects()];
    if spec.evidence {
        contracts.push(words.evidence());
    }
    if spec.provenance {
        contracts.push(words.provenance());
    }
    if spec.is_probabilistic() {
        contracts.push(words.weights());
    }
    contracts.extend([words.quality(), words.rejects()]);
    contracts
}

pub(super) struct Words<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) scope: &'a Scope<'a>,
}

fn name(text: &str) -> ColumnName {
    ColumnName::new_unchecked(text)
}

pub(super) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What a masked key tells.
const SHARED_KEY: &str = "The key that too many records share, masked: what records must share, then the first letters of each \
                          value as the first record has it and, in brackets, how many it has, as in `email jo…@acme.com (8)`; NULL for links.";

const WEIGHT_TYPE: ColumnType = ColumnType::Decimal(WEIGHT.0, WEIGHT.1);

impl Words<'_> {
    /// Who it is about, as sentences say it.
    pub(super) fn who(&self) -> &str {
        &self.resolved.entity
    }

    fn table(&self, ending: &str, description: String, grain: &[&str], columns: Vec<Column>) -> Contract {
        Contract {
            table: self.scope.model.with_suffix(ending),
            role: if ending.is_empty() { Role::Main } else { Role::Companion },
            description,
            grain: grain.iter().map(|column| name(column)).collect(),
            columns,
            methodology: self.methodology(),
        }
    }

    /// The id that stays; it stands for a person, so it is at least as personal as record ids.
    fn id(&self, description: String) -> Column {
        let record = &self.resolved.record;
        made(self.resolved.id.as_str(), ColumnType::Text, description, &[record]).not_null().pii(self.record_pii())
    }

    fn record_pii(&self) -> Pii {
        self.resolved.record.pii.max(Pii::Indirect)
    }

    fn system(&self, column: &str, description: String) -> Column {
        made(column, ColumnType::Text, description, &[])
    }

    fn record(&self, column: &str, description: String) -> Column {
        made(column, ColumnType::Text, description, &[&self.resolved.record]).pii(self.record_pii())
    }

    pub(super) fn systems(&self) -> String {
        quoted(self.resolved.systems.iter().map(String::as_str))
    }

    fn golden(&self) -> Contract {
        use ColumnType::{Boolean, Int, Timestamp};
        let who = self.who();
        let mut columns = vec![self.id(format!("The {who}: an id that stays when records come, go, merge and split."))];
        for field in &self.resolved.fields {
            let sentence = format!(
                "The {}: of the values that the {who}'s records hold, {}.",
                field.name.as_str().replace('_', " "),
                field.policy.sentence()
            );
            columns.push(made(field.name.as_str(), field.ty(), sentence, &[&field.promise]).pii(field.promise.pii));
        }
        let (created, updated) = (&self.resolved.created, &self.resolved.updated);
        columns.extend([
            made("n_records", Int, format!("How many records the {who} has."), &[&self.resolved.record]).not_null(),
            made("n_systems", Int, format!("In how many of {} the {who} has records.", self.systems()), &[]).not_null(),
            made(
                "first_seen_at",
                Timestamp,
                format!("When the first record of the {who} was created, UTC."),
                &[created],
            ),
            made(
                "last_updated_at",
                Timestamp,
                format!("When a record of the {who} was last changed, UTC."),
                &[updated],
            ),
            made("is_quarantined", Boolean, self.quarantine(), &[]).not_null(),
        ]);
        let ours = format!("One row for each {who}, made of all records that are about the same one.");
        let user = self.scope.description.trim();
        let description = if user.is_empty() { ours } else { format!("{user} {ours}") };
        self.table("", description, &[self.resolved.id.as_str()], columns)
    }

    fn quarantine(&self) -> String {
        format!(
            "Whether the rules linked more than {} records here, so that they were taken apart and each stands alone until somebody looks at them.",
            self.resolved.max_cluster
        )
    }

    fn crosswalk(&self) -> Contract {
        use ColumnType::{Boolean, Text, Timestamp};
        let who = self.who();
        let rules = quoted(self.resolved.rules.iter().map(|rule| rule.name.as_str()));
        let columns = vec![
            self.system("system", format!("The record's system: one of {}.", self.systems())).not_null(),
            self.record("record_id", "The record's id in its system.".to_string()).not_null(),
            self.id(format!("The {who} that the record is about.")),
            made("is_anchor", Boolean, format!("Whether the {who}'s id belongs to this record: where {} is split, the part with this record keeps the id.", a(who)), &[]).not_null(),
            made("linked_by", Text, format!("The rule of the first link on the way from the record to the {who}'s anchor: one of {rules}, or `{DECISION}` for a pair that somebody decided about; NULL for the anchor itself."), &[]),
            made("linked_weight", WEIGHT_TYPE, "The weight of that link in bits: log2 of the odds that it is right; NULL for rules that do not weigh.", &[]),
            made("linked_since", Timestamp, format!("The as-of instant of the run that first gave the record this {who}, UTC."), &[]).not_null(),
            made("id_since", Timestamp, format!("The as-of instant of the run that first gave the {who} its id, UTC."), &[]).not_null(),
            made("is_quarantined", Boolean, self.quarantine(), &[]).not_null(),
        ];
        let description = format!("One row for each record: the {who} of `{}` that it is about.", self.scope.model);
        self.table("_crosswalk", description, &["system", "record_id"], columns)
    }

    fn redirects(&self) -> Contract {
        use ColumnType::{Text, Timestamp};
        let who = self.who();
        let id = self.resolved.id.as_str();
        let columns = vec![
            made("old_id", Text, "The id that is no longer in use.", &[&self.resolved.record])
                .not_null()
                .pii(self.record_pii()),
            made(
                id,
                Text,
                format!("The {who} that it stands for now; NULL where all its records are gone."),
                &[&self.resolved.record],
            )
            .pii(self.record_pii()),
            made(
                "reason",
                Text,
                format!(
                    "`merged`: the {who} turned out to be another one; `retired`: all records of the {who} are gone."
                ),
                &[],
            )
            .not_null(),
            self.record("anchor", "The record, as `<system>:<id>`, that the id belonged to.".to_string()).not_null(),
            made("id_since", Timestamp, "The as-of instant of the run that first gave the id, UTC.", &[]).not_null(),
            made("redirected_at", Timestamp, "The as-of instant of the run that took the id out of use, UTC.", &[])
                .not_null(),
        ];
        let description = format!(
            "One row for each id that `{}` has published and no longer uses; an id never comes to mean anybody else.",
            self.scope.model
        );
        self.table("_redirects", description, &["old_id"], columns)
    }

    fn evidence(&self) -> Contract {
        use ColumnType::{Int, Text};
        let outcomes: Vec<String> = OUTCOMES.iter().map(|(word, meaning)| format!("`{word}`: {meaning}")).collect();
        let columns = vec![
            made("outcome", Text, format!("What became of the link. {}.", outcomes.join("; ")), &[]).not_null(),
            made("rule", Text, format!("The match rule, or `{DECISION}` for a pair that somebody decided about."), &[])
                .not_null(),
            self.system("left_system", "The system of the first record.".to_string()).not_null(),
            self.record("left_record_id", "The first record's id in its system.".to_string()).not_null(),
            self.system("right_system", "The system of the second record.".to_string()),
            self.record("right_record_id", "The second record's id in its system.".to_string()),
            made(
                "weight",
                WEIGHT_TYPE,
                "The weight of the link in bits: log2 of the odds that it is right; NULL for rules that do not weigh.",
                &[],
            ),
            made(
                "match_probability",
                ColumnType::Double,
                "The probability that the two are the same, which the weight stands for; NULL for rules that do not weigh.",
                &[],
            ),
            made(
                "comparison",
                Text,
                "What was found of each field and what it weighs, from the weight before anything is compared to the sum, as in `email equal: +13.214; phone missing: +0.000`; of a rule that asks for similar values, how alike they are, as in `last_name one letter off`. NULL for rules that compare keys alone. No value is shown.",
                &[],
            ),
            made("shared_key", Text, SHARED_KEY, &[&self.resolved.record]).pii(self.record_pii()),
            made("n_records", Int, "How many records share the key, or were in the cluster that grew too large.", &[]),
            made("reason", Text, "Why a link was refused, in words.", &[&self.resolved.record]).pii(self.record_pii()),
        ];
        let description = format!(
            "Why records of `{}` are together or not: every link that holds two records together, every link that was refused, every key that too many records share to be compared by it.",
            self.scope.model
        );
        self.table("_evidence", description, &[], columns)
    }

    fn provenance(&self) -> Contract {
        use ColumnType::{Int, Text};
        let who = self.who();
        let id = self.resolved.id.as_str();
        let fields = quoted(self.resolved.fields.iter().map(|field| field.name.as_str()));
        let mut policies: Vec<&str> = self.resolved.fields.iter().map(|field| field.policy.word()).collect();
        policies.sort_unstable();
        policies.dedup();
        let columns = vec![
            self.id(format!("The {who}.")),
            made("field", Text, format!("The column of `{}`: one of {fields}.", self.scope.model), &[]).not_null(),
            self.system("system", "The system that the value was taken from.".to_string()).not_null(),
            self.record("record_id", "The record that the value was taken from, as its system names it.".to_string())
                .not_null(),
            made("rule", Text, format!("How it was chosen: one of {}.", quoted(policies)), &[]).not_null(),
            made("n_values", Int, format!("How many of the {who}'s records have a value for the field."), &[])
                .not_null(),
        ];
        let description = format!(
            "Where each value of `{}` was taken from, for every {who} with several records; the values of the others are all from their one record.",
            self.scope.model
        );
        self.table("_provenance", description, &[id, "field"], columns)
    }

    fn weights(&self) -> Contract {
        use ColumnType::{Boolean, Double, Text};
        let columns = vec![
            made("position", ColumnType::Int, "The row's place: findings of a field are tried in this order.", &[]).not_null(),
            made("part", Text, "What the row is about. `prior`: two records before anything is compared; `field`: a finding of a field; `pairs`: which pairs were compared, namely those that share this.", &[]).not_null(),
            made("name", Text, "The field, or what pairs share.", &[]).not_null(),
            made("kind", Text, "What the field holds.", &[]),
            made("finding", Text, "What was found of the values of two records; the first that holds counts, and `else` is what remains.", &[]),
            made("weight", WEIGHT_TYPE, "What the finding weighs in bits: log2 of `share_of_matches` over `share_of_others`; of the prior, log2 of the odds that two records are the same and not strangers.", &[]),
            made("share_of_matches", Double, "How often pairs of the same have the finding; of the prior, the share of all pairs that are the same.", &[]),
            made("share_of_others", Double, "How often pairs have it that have nothing to do with each other.", &[]),
            made("related_weight", WEIGHT_TYPE, "What the finding weighs in bits for two records' being of different ones that are related, as people who live or work together are: log2 of `share_of_related` over `share_of_others`. What such pairs would show as well is taken off a pair's weight. NULL where too few pairs are related to be told apart.", &[]),
            made("share_of_related", Double, "How often related pairs have it; of the prior, the share of all pairs that are related.", &[]),
            made("adjusts_for_frequency", Boolean, "Whether equal values weigh more the rarer they are.", &[]),
        ];
        let description = format!(
            "What each finding weighs for the probabilistic rule of `{}`; `marquetry weights {}` prints it to be kept.",
            self.scope.model, self.scope.model
        );
        self.table("_weights", description, &["position"], columns)
    }

    fn quality(&self) -> Contract {
        use ColumnType::{BigInt, Date, Double};
        let who = self.who();
        let created = &self.resolved.created;
        let columns = vec![
            self.system("system", format!("The system: one of {}.", self.systems())).not_null(),
            made(
                "month",
                Date,
                format!(
                    "The first day of the month in which records were created, in {}; NULL where nobody knows.",
                    self.scope.settings.reporting_timezone
                ),
                &[created],
            ),
            made("records", BigInt, "How many records the system has of that month.", &[created]).not_null(),
            made(
                "duplicates",
                BigInt,
                format!("How many of them are about {} that had a record in some system already.", a(who)),
                &[created],
            )
            .not_null(),
            made(
                "duplicates_in_system",
                BigInt,
                format!("How many of them are about {} that had a record in the same system already.", a(who)),
                &[created],
            )
            .not_null(),
            made("duplicate_rate", Double, "`duplicates` over `records`.", &[created]).not_null(),
        ];
        let description =
            format!("How many records of `{}` are duplicates, by system and month of creation.", self.scope.model);
        self.table("_quality", description, &["system", "month"], columns)
    }

    fn rejects(&self) -> Contract {
        let mut rejects = rejects_contract(self.scope.model, &REASONS);
        for column in rejects.columns.iter_mut().filter(|column| column.name.as_str() == "source_key") {
            column.pii = self.record_pii();
            *column = column.clone().from_columns(self.resolved.record.lineage.clone());
        }
        rejects
    }
}
