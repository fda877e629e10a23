//! What the tables promise, in words that hold this model's own parameters.

use super::emit::{PRECISION, WEIGHT_SCALE};
use super::inputs::{CONVERSION_REASONS, NO_CHANNEL_NAME, TOUCH_REASONS};
use super::models::{Model, amount_column, weight_column};
use super::operator::UNATTRIBUTED;
use super::resolve::{Joining, Resolved};
use super::spec::{Attribution, Layout};
use super::typing::Kept;
use super::words;
use crate::contract::{Column, ColumnType, Contract, Role, rejects_contract};
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, made};
use crate::syntax::{ColumnName, TableName};

/// The endings of the tables beside the ledger, in the order in which they are made.
pub(super) const PIPELINE: &str = "_pipeline";
pub(super) const EFFECTS: &str = "_effects";
pub(super) const COMPARISON: &str = "_comparison";
pub(super) const RETURNS: &str = "_returns";
pub(super) const RECONCILIATION: &str = "_reconciliation";

/// Digits of a sum of weights or amounts.
pub(super) const SUM_PRECISION: u8 = 38;

/// The contracts of all tables, the ledger first.
pub(super) fn contracts(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Vec<Contract> {
    let writer = Writer { spec, resolved, scope };
    let mut made = vec![writer.ledger()];
    made.extend(resolved.conversions.created.as_ref().map(|_| writer.pipeline()));
    made.extend(resolved.learns().then(|| writer.effects()));
    made.push(writer.comparison());
    made.push(writer.reconciliation());
    made.extend(resolved.spend.as_ref().map(|spend| writer.returns(spend)));
    made.push(writer.rejects());
    made
}

pub(super) struct Writer<'a> {
    pub(super) spec: &'a Attribution,
    pub(super) resolved: &'a Resolved,
    pub(super) scope: &'a Scope<'a>,
}

fn key(name: &str, promise: &Promise, description: impl Into<String>) -> Column {
    made(name, promise.ty.unwrap_or(ColumnType::Text), description, &[promise]).pii(promise.pii)
}

pub(super) fn names(names: &[&str]) -> Vec<ColumnName> {
    names.iter().map(|name| ColumnName::new_unchecked(name)).collect()
}

impl Writer<'_> {
    fn ledger(&self) -> Contract {
        let p = &self.resolved.promises;
        let mut columns =
            vec![key("conversion_id", &p.conversion, "The conversion whose credit is shared.").not_null()];
        if self.resolved.conversions.entity.is_some() {
            columns.push(key("entity_id", &p.account, "Who converted."));
        }
        let at = "When it converted, UTC: credit by conversion date is a sum over it.";
        columns.push(made("converted_at", ColumnType::Timestamp, at, &[&p.converted_at]).not_null());
        let at = "When the touch happened, UTC: credit by touch date is a sum over it; NULL where there is no touch.";
        columns.push(made("touched_at", ColumnType::Timestamp, at, &[&p.touched_at]));
        columns.push(key("touch_id", &p.touch, "The touch that gets the share; NULL where the conversion had none."));
        if self.resolved.has_people() {
            columns.push(key("person_id", &p.person, "Whose touch it is."));
        }
        let channel = format!(
            "The touch's channel; `{NO_CHANNEL_NAME}` where the touch has none, `{UNATTRIBUTED}` where the conversion had no touch."
        );
        columns.push(made("channel", ColumnType::Text, channel, &[&p.channel]).not_null());
        if self.resolved.touches.campaign.is_some() {
            columns.push(made(
                "campaign",
                ColumnType::Text,
                "The touch's campaign; NULL where it has none.",
                &[&p.campaign],
            ));
        }
        columns.extend(self.kept(&self.resolved.touches.keep, &self.resolved.touches.table));
        columns.extend(self.kept(&self.resolved.conversions.keep, &self.resolved.conversions.table));
        if self.resolved.scale.is_some() {
            let text =
                format!("The amount's currency (ISO 4217); `{}` where none was told.", self.scope.settings.currency);
            columns.push(made("currency", ColumnType::Text, text, &[&p.currency]).not_null());
        }
        self.journey_columns(&mut columns);
        self.number_columns(&mut columns);
        let version = format!("The definition that shared the credit: `{}`.", self.spec.version);
        columns.push(made("definition_version", ColumnType::Text, version, &[]).not_null());
        let grain = match self.spec.layout {
            Layout::Long => names(&["conversion_id", "model", "position"]),
            Layout::Wide => names(&["conversion_id", "position"]),
        };
        Contract {
            table: self.scope.model.clone(),
            role: Role::Main,
            description: self.with_user(words::ledger(self.spec.layout)),
            grain,
            columns,
            methodology: words::methodology(self.spec, self.resolved, self.scope),
        }
    }

    fn with_user(&self, ours: &str) -> String {
        let user = self.scope.description.trim();
        if user.is_empty() { ours.to_string() } else { format!("{user} {ours}") }
    }

    fn kept(&self, kept: &[Kept], table: &TableName) -> Vec<Column> {
        let column = |kept: &Kept| {
            let known = self.scope.frames.get(table.as_str()).and_then(|frame| frame.column(kept.text.trim()));
            let words = known.map(|column| column.description.clone()).filter(|text| !text.is_empty());
            let words = words.unwrap_or_else(|| format!("Taken over from `{table}`: `{}`.", kept.text));
            made(kept.name.as_str(), kept.ty, words, &[&kept.promise]).pii(kept.promise.pii)
        };
        kept.iter().map(column).collect()
    }

    fn journey_columns(&self, columns: &mut Vec<Column>) {
        let p = &self.resolved.promises;
        let (touched, converted) = (&p.touched_at, &p.converted_at);
        let text = "The touch's place in the journey, from 1, in order of time; 1 where there is no touch.";
        columns.push(made("position", ColumnType::Int, text, &[touched]).not_null());
        let text = format!("How many touches the journey has: {}.", words::reach(self.spec));
        columns.push(made("journey_length", ColumnType::Int, text, &[touched, converted]).not_null());
        let text = "How many days of 24 hours before the conversion the touch was; NULL where there is no touch.";
        columns.push(made("days_before", ColumnType::Double, text, &[touched, converted]));
        if let Some(gap) = &self.spec.session_gap {
            let text = format!(
                "How many further touches of the same session, less than {} apart, the touch stands for.",
                gap.value
            );
            columns.push(made("touches_merged", ColumnType::Int, text, &[touched]).not_null());
        }
    }

    /// What the shares of models depend on.
    fn shares_from<'m>(&self, mut models: impl Iterator<Item = &'m Model>) -> Vec<&Promise> {
        let p = &self.resolved.promises;
        let mut from = vec![&p.touched_at, &p.converted_at, &p.channel];
        from.extend(models.any(Model::has_milestones).then_some(&p.milestones));
        from
    }

    /// Columns of which rows must be alike for credit to add up: the model, and the channel too where a model
    /// gives a conversion to several.
    pub(super) fn one_model(&self) -> Vec<&'static str> {
        if self.resolved.overlaps() { vec!["model", "channel"] } else { vec!["model"] }
    }

    /// Columns of which rows must be alike for amounts to add up, beside `columns`.
    pub(super) fn one_currency<'c>(&self, columns: &[&'c str]) -> Vec<&'c str> {
        let told = self.resolved.conversions.currency.as_ref().map(|_| "currency");
        columns.iter().copied().chain(told).collect()
    }

    fn number_columns(&self, columns: &mut Vec<Column>) {
        let p = &self.resolved.promises;
        let weight = ColumnType::Decimal(PRECISION, WEIGHT_SCALE);
        let amount = self.resolved.scale.map(|scale| ColumnType::Decimal(PRECISION, scale));
        if self.spec.layout == Layout::Long {
            let listed: Vec<String> = self.resolved.models.iter().map(|m| words::model(m, self.resolved)).collect();
            let text = format!("The model that shared: {}.", listed.join("; "));
            columns.push(made("model", ColumnType::Text, text, &[]).not_null());
            let but = words::but(self.resolved);
            let text = format!(
                "The touch's share of the conversion. The shares of a conversion under a model add up to exactly 1{but}."
            );
            let from = self.shares_from(self.resolved.models.iter());
            columns.push(made("weight", weight, text, &from).not_null().adds_up_within(&self.one_model()));
            let text = format!(
                "The touch's share of the conversion's amount. The shares under a model add up to it to the cent{but}."
            );
            let from: Vec<&Promise> = std::iter::once(&p.amount).chain(from).collect();
            let within = self.one_currency(&self.one_model());
            columns
                .extend(amount.map(|ty| made("amount", ty, text.as_str(), &from).not_null().adds_up_within(&within)));
            return;
        }
        for model in &self.resolved.models {
            let words = words::model(model, self.resolved);
            let within: &[&str] = if model.adds_up() { &[] } else { &["channel"] };
            let sum = |exactly: &str| match model.adds_up() {
                true => format!("add up to {exactly}"),
                false => "do not add up: NOT ADDITIVE across channels".to_string(),
            };
            let text = format!(
                "The touch's share of the conversion under {words}. A conversion's shares {}.",
                sum("exactly 1")
            );
            let from = self.shares_from(std::iter::once(model));
            let weight = made(weight_column(&model.name).as_str(), weight, text, &from).not_null();
            columns.push(if within.is_empty() { weight } else { weight.adds_up_within(within) });
            let text = format!(
                "The touch's share of the conversion's amount under `{}`; they {}.",
                model.name,
                sum("it to the cent")
            );
            let (name, within) = (amount_column(&model.name), self.one_currency(within));
            let from: Vec<&Promise> = std::iter::once(&p.amount).chain(from).collect();
            let shared = |ty| made(name.as_str(), ty, text, &from).not_null();
            // Without a column of currencies all amounts add up.
            let shared = |ty| if within.is_empty() { shared(ty) } else { shared(ty).adds_up_within(&within) };
            columns.extend(amount.map(shared));
        }
    }

    fn comparison(&self) -> Contract {
        let p = &self.resolved.promises;
        let mut columns = vec![
            made("model", ColumnType::Text, "The model.", &[]).not_null(),
            made("channel", ColumnType::Text, format!("The channel, `{UNATTRIBUTED}` included."), &[&p.channel])
                .not_null(),
        ];
        let from = self.shares_from(self.resolved.models.iter());
        let credit = ColumnType::Decimal(SUM_PRECISION, WEIGHT_SCALE);
        let mut grain = vec!["model", "channel"];
        if self.resolved.scale.is_some() {
            columns.push(made("currency", ColumnType::Text, "The currency of the amounts.", &[&p.currency]).not_null());
            grain.push("currency");
        }
        let text = "Conversions that the model gives the channel: the sum of its weights.";
        columns.push(made("credits", credit, text, &from).not_null().adds_up_within(&self.one_model()));
        let (without, overlaps) = (words::without_total(self.resolved), self.resolved.overlaps());
        let total = |column: Column| if overlaps { column } else { column.not_null() };
        let of = "of the model".to_string() + if self.resolved.scale.is_some() { " and currency" } else { "" };
        let text = format!("All credits {of}, by which `credits_share` is divided{without}.");
        columns.push(total(made("credits_total", credit, text, &from)).adds_up_within(&["model", "channel"]));
        let text = format!("The channel's part in all credits {of}{without}; a ratio: never add or average it.");
        columns.push(made("credits_share", ColumnType::Double, text, &from).never_adds_up());
        if let Some(scale) = self.resolved.scale {
            let ty = ColumnType::Decimal(SUM_PRECISION, scale);
            let text = "What the model gives the channel.";
            let (each, all) = (self.one_currency(&self.one_model()), self.one_currency(&["model", "channel"]));
            let shared: Vec<&Promise> = std::iter::once(&p.amount).chain(from.iter().copied()).collect();
            columns.push(made("amount", ty, text, &shared).not_null().adds_up_within(&each));
            let text = format!("All amounts {of}, by which `amount_share` is divided{without}.");
            columns.push(total(made("amount_total", ty, text, &[&p.amount])).adds_up_within(&all));
            let text = format!(
                "The channel's part in all amounts {of}; NULL where they add up to 0{without}; a ratio: never add or average it."
            );
            columns.push(made("amount_share", ColumnType::Double, text, &shared).never_adds_up());
        }
        Contract {
            table: self.scope.model.with_suffix(COMPARISON),
            role: Role::Companion,
            description: "The models side by side: what each gives each channel.".to_string(),
            grain: names(&grain),
            columns,
            methodology: words::comparison(),
        }
    }

    fn reconciliation(&self) -> Contract {
        let p = &self.resolved.promises;
        let count = ColumnType::BigInt;
        let credit = ColumnType::Decimal(SUM_PRECISION, WEIGHT_SCALE);
        let text = format!("The model{}.", words::but_not_here(self.resolved));
        let mut columns = vec![made("model", ColumnType::Text, text, &[]).not_null()];
        let mut grain = vec!["model"];
        if self.resolved.scale.is_some() {
            columns.push(made("currency", ColumnType::Text, "The currency of the amounts.", &[&p.currency]).not_null());
            grain.push("currency");
        }
        let from = [&p.conversion];
        columns.extend([
            made("conversions", count, "Usable conversions in the source.", &from).not_null(),
            made("conversions_without_touch", count, "Conversions of the ledger without a touch in reach.", &from)
                .not_null(),
            made("conversions_without_person", count, "Conversions of nobody known: rejected as `null_entity` or, where people have roles or belong to accounts, without any, so that they are without a touch too.", &from)
                .not_null(),
            made("touches_before_lookback", count, "Rows of touches of whoever converted before the time looked back on, counted for each conversion.", &[&p.touched_at, &p.converted_at])
                .not_null(),
            made("unattributed_share", ColumnType::Double, "The part of all credits without a touch in reach; a ratio: never add or average it.", &from),
            made("credits", credit, "All credits of the ledger: one for each conversion.", &from).not_null(),
            made("credits_difference", credit, "Conversions less credits: always 0, or nothing is published.", &from)
                .not_null(),
        ]);
        if let Some(scale) = self.resolved.scale {
            let ty = ColumnType::Decimal(SUM_PRECISION, scale);
            let amount = [&p.amount];
            columns.extend([
                made("amount_converted", ty, "The sum of the usable conversions' amounts, from the source.", &amount)
                    .not_null(),
                made("amount_attributed", ty, "The sum of all shares of the ledger.", &amount).not_null(),
                made("difference", ty, "The first less the second: always 0, or nothing is published.", &amount)
                    .not_null(),
                made("amount_unattributed", ty, "The part of conversions without a touch in reach.", &amount)
                    .not_null(),
                made(
                    "amount_unattributed_share",
                    ColumnType::Double,
                    "That part by all shares; NULL where they add up to 0; a ratio: never add or average it.",
                    &amount,
                ),
                made(
                    "amount_without_person",
                    ty,
                    "What the conversions of nobody known are worth, rejected ones included.",
                    &amount,
                )
                .not_null(),
            ]);
        }
        for column in columns.iter_mut().skip(grain.len()) {
            let is_amount = ["amount", "difference"].iter().any(|start| column.name.as_str().starts_with(start));
            let within = if is_amount { self.one_currency(&["model"]) } else { vec!["model"] };
            let is_ratio = column.ty == ColumnType::Double;
            let plain = column.clone();
            *column = if is_ratio { plain.never_adds_up() } else { plain.adds_up_within(&within) };
        }
        Contract {
            table: self.scope.model.with_suffix(RECONCILIATION),
            role: Role::Companion,
            description: "The proof that credit closes: what went in and what was shared out, by model.".to_string(),
            grain: names(&grain),
            columns,
            methodology: words::reconciliation(),
        }
    }

    fn rejects(&self) -> Contract {
        let p = &self.resolved.promises;
        let needs_entity = matches!(self.resolved.joining, Joining::Direct | Joining::Account);
        let reasons: Vec<(&str, &str)> = CONVERSION_REASONS
            .into_iter()
            .filter(|(reason, _)| needs_entity || *reason != "null_entity")
            .chain(TOUCH_REASONS)
            .chain(super::spend::REASONS.into_iter().filter(|_| self.resolved.spend.is_some()))
            .collect();
        let mut rejects = rejects_contract(self.scope.model, &reasons);
        for column in &mut rejects.columns {
            let from = match column.name.as_str() {
                "source_key" => vec![&p.conversion, &p.touch],
                "detail" => vec![&p.converted_at, &p.currency],
                _ => continue,
            };
            column.pii = from.iter().map(|promise| promise.pii).fold(column.pii, Ord::max);
            let lineage = from.iter().flat_map(|promise| promise.lineage.clone()).collect();
            *column = column.clone().from_columns(lineage);
        }
        rejects
    }
}
