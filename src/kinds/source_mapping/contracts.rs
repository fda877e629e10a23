//! What the tables promise, in sentences with the model's own parameters.

use super::classify::{Made, Slot};
use super::inputs::{self, Resolved};
use super::plan::{REASONS, never_null};
use super::rules::{RuleBook, UNMAPPED};
use super::spec::{Precedence, SourceMapping};
use super::utm;
use crate::contract::{Column, ColumnRef, ColumnType, Contract, Methodology, Pii, Role, rejects_contract};
use crate::engine::TypedExpr;
use crate::kinds::Scope;
use crate::syntax::{ColumnName, TableName};

/// The name of the model's table of unmapped values.
pub(super) fn unmapped_table(model: &TableName) -> TableName {
    model.with_suffix("_unmapped")
}

/// All contracts, main table first.
pub(super) fn all(spec: &SourceMapping, scope: &Scope<'_>, resolved: &Resolved, book: &RuleBook) -> Vec<Contract> {
    let writer = Writer { spec, scope, resolved, book };
    vec![writer.main(), writer.unmapped(), writer.rejects()]
}

struct Writer<'a> {
    spec: &'a SourceMapping,
    scope: &'a Scope<'a>,
    resolved: &'a Resolved,
    book: &'a RuleBook,
}

fn name(text: &str) -> ColumnName {
    ColumnName::new_unchecked(text)
}

impl Writer<'_> {
    fn main(&self) -> Contract {
        let (id, at) = (&self.resolved.touch_id, &self.resolved.at);
        let from = &self.spec.from;
        let id_type = ColumnType::of_arrow(&id.data_type).unwrap_or(ColumnType::Text);
        let id_words = format!("Identifies the touch: `{}` of `{from}`.", self.spec.touch_id);
        let at_words = format!("When the touch happened, UTC: `{}` of `{from}`.", self.spec.at);
        let mut columns = vec![
            self.traced(Column::new(name("touch_id"), id_type, id_words).not_null(), &[id], true),
            self.traced(Column::new(name("occurred_at"), ColumnType::Timestamp, at_words).not_null(), &[at], true),
        ];
        columns.extend(self.resolved.keep.iter().map(|kept| {
            let same = self.spec.keep.get(&kept.name).and_then(|text| self.inherited(text.as_str()));
            let words = same.unwrap_or_else(|| {
                let text = self.spec.keep.get(&kept.name).map(ToString::to_string).unwrap_or_default();
                format!("Taken over from `{from}`: `{text}`.")
            });
            self.traced(Column::new(kept.name.clone(), kept.ty, words), &[&kept.expr], true)
        }));
        columns.extend(inputs::made(self.spec).into_iter().map(|(column, made)| self.made(column, made)));
        let description = if self.scope.description.trim().is_empty() {
            format!("Every touch of `{from}` with the channel, source, medium and campaign it came from.")
        } else {
            self.scope.description.to_string()
        };
        Contract {
            table: self.scope.model.clone(),
            role: Role::Main,
            description,
            grain: vec![name("touch_id")],
            columns,
            methodology: self.methodology(),
        }
    }

    /// The source's own description, where the expression is nothing but its column.
    fn inherited(&self, expression: &str) -> Option<String> {
        let column = self.scope.frames.get(self.spec.from.as_str())?.column(expression.trim())?;
        (!column.description.is_empty()).then(|| column.description.clone())
    }

    fn traced(&self, column: Column, exprs: &[&TypedExpr], personal: bool) -> Column {
        let lineage = exprs.iter().flat_map(|expr| &expr.columns).filter_map(|column| {
            Some(ColumnRef { table: self.spec.from.value.clone(), column: ColumnName::new(&column.name)? })
        });
        let pii = if personal { inputs::pii(self.scope, &self.spec.from, exprs) } else { Pii::None };
        column.from_columns(lineage.collect()).pii(pii)
    }

    /// The expressions that a column is made of.
    fn reads(&self, made: Made) -> Vec<&TypedExpr> {
        let wanted = |slot: Slot| {
            let page = slot == Slot::LandingPage;
            match made {
                Made::Source => page || matches!(slot, Slot::Utm(0) | Slot::Referrer | Slot::Click(_)),
                Made::Medium => page || matches!(slot, Slot::Utm(1) | Slot::Click(_)),
                Made::Campaign => slot == Slot::Utm(2) || (page && self.spec.utm.campaign.is_none()),
                Made::Extra(which) => slot == Slot::Extra(which) || page,
                Made::ReferrerHost => slot == Slot::Referrer,
                Made::ClickKind => page || matches!(slot, Slot::Click(_)),
                Made::Grade | Made::Reason => page || matches!(slot, Slot::Utm(_) | Slot::Referrer),
                Made::Conflict => page || matches!(slot, Slot::Utm(_) | Slot::Click(_)),
                Made::Channel | Made::Rule => !matches!(slot, Slot::Extra(_)),
                Made::Pass => false,
            }
        };
        self.resolved.slots.iter().filter(|(slot, _)| wanted(*slot)).map(|(_, typed)| typed).collect()
    }

    fn made(&self, column: &str, made: Made) -> Column {
        let ty = if made == Made::Conflict { ColumnType::Boolean } else { ColumnType::Text };
        let personal = matches!(made, Made::Source | Made::Medium | Made::Campaign | Made::Extra(_));
        let described = Column::new(name(column), ty, self.words(made));
        let described = if never_null(made) { described.not_null() } else { described };
        self.traced(described, &self.reads(made), personal)
    }

    fn words(&self, made: Made) -> String {
        let (book, spec) = (self.book, self.spec);
        match made {
            Made::Channel => {
                let listed = book.channels();
                let shown: Vec<String> = listed.iter().map(|channel| format!("`{channel}`")).collect();
                let table = spec.campaigns.as_ref().map(|table| format!(", or what `{}` says of the campaign", table.from));
                format!(
                    "The marketing channel, by the first rule that holds: {}{}; `{}` where none does.",
                    shown.join(", "),
                    table.unwrap_or_default(),
                    book.unmapped_channel
                )
            }
            Made::Source => format!(
                "Who sent the visitor: the rule's source, else the tagged one, trimmed and in lower case, else the referrer's host; {}.",
                book.missing_source.as_ref().map_or("NULL where there is neither".to_string(), |text| format!("`{text}` where there is neither"))
            ),
            Made::Medium => "By what means the visitor was sent: the rule's medium, else the tagged one, trimmed and in lower case; NULL where there is none.".to_string(),
            Made::Campaign => "The campaign: the rule's, else the tagged one, trimmed and in lower case; NULL where there is none.".to_string(),
            Made::Extra(0) => "The keyword (`utm_term`) as it was tagged.".to_string(),
            Made::Extra(1) => "Which link or creative was clicked (`utm_content`), as it was tagged.".to_string(),
            Made::Extra(_) => "The campaign's id (`utm_id`) as it was tagged.".to_string(),
            Made::Rule => format!("The id of the rule that decided the channel, one of {}; `{UNMAPPED}` where none held.", count(book.rules.len(), "rule")),
            Made::ReferrerHost => "The host of the page the visitor came from, without `www.`; NULL where there was none.".to_string(),
            Made::ClickKind => "The click id that the touch carries, the strongest evidence where there are several; NULL where there is none.".to_string(),
            Made::Conflict => format!(
                "Whether a paid click id names another platform than the tagged source, stands beside a medium that is not paid, or beside another platform's click id. {}",
                precedence(spec.precedence)
            ),
            Made::Grade => format!(
                "How well the link is tagged: `valid`; `fixable` where only case, surrounding space or a known synonym is wrong; `invalid`; `missing` where there is no UTM parameter. A value may have {} characters.",
                utm::MAX_CHARS
            ),
            Made::Reason => "The worst that is wrong with the UTM parameters; NULL where nothing is, or where there are none.".to_string(),
            Made::Pass => String::new(),
        }
    }

    fn methodology(&self) -> Methodology {
        let (spec, book) = (self.spec, self.book);
        let own = book.rules.iter().filter(|rule| rule.is_own()).count();
        let shipped = book.rules.len() - own;
        let mut summary = vec![format!(
            "Every touch of `{}` is put into the channel of the first rule that holds for it: {} of this model{}.",
            spec.from,
            count(own, "rule"),
            if shipped > 0 {
                format!(", then {} that follow Google Analytics 4's default channel group", count(shipped, "rule"))
            } else {
                String::new()
            }
        )];
        if let Some(table) = &spec.campaigns {
            summary
                .push(format!("A campaign that `{}` lists has the channel given there, before any rule.", table.from));
        }
        summary.push(
            "Source, medium and campaign are trimmed, lower-cased and freed of known synonyms before rules are tried."
                .to_string(),
        );
        if shipped > 0 {
            summary.push(precedence(spec.precedence).to_string());
        }
        let mut assumptions = vec![
            "The rules are tried in the order in which they are listed.".to_string(),
            "Of a UTM parameter that a URL holds twice, the first counts; values in URLs are decoded once.".to_string(),
        ];
        if !book.internal.is_empty() {
            let hosts: Vec<String> = book.internal.iter().map(|host| format!("`{host}`")).collect();
            assumptions
                .push(format!("Visits from {} are visits from the own site and have no referrer.", hosts.join(", ")));
        }
        let mut limits = vec![
            "A touch without tags, click id and referrer looks like direct traffic, whatever brought it about."
                .to_string(),
            "`fbclid` is added to unpaid links too and does not make a touch paid.".to_string(),
        ];
        if shipped > 0 {
            limits.push("Google Ads and Display & Video 360 classify their own traffic by network and campaign type; these rules see only tags.".to_string());
        }
        Methodology { summary, assumptions, limits }
    }

    fn unmapped(&self) -> Contract {
        let spec = self.spec;
        let text = |column: &str, made: Made, words: &str| {
            self.traced(
                Column::new(name(column), ColumnType::Text, words),
                &self.reads(made),
                made != Made::ReferrerHost,
            )
        };
        let at = [&self.resolved.at];
        let seen = |column: &str, words: &str| {
            self.traced(Column::new(name(column), ColumnType::Timestamp, words).not_null(), &at, true)
        };
        let columns = vec![
            Column::new(
                name("rank"),
                ColumnType::BigInt,
                "Place in the list: 1 has most touches; ties are in order of the values.",
            )
            .not_null(),
            text("source", Made::Source, "The source of these touches, as in the main table."),
            text("medium", Made::Medium, "The medium of these touches, as in the main table."),
            text("referrer_host", Made::ReferrerHost, "The referrer's host of these touches."),
            Column::new(name("touches"), ColumnType::BigInt, "How many touches have these values.").not_null(),
            seen("first_seen_at", "The first of these touches, UTC."),
            seen("last_seen_at", "The last of these touches, UTC."),
            Column::new(
                name("nearest_rule"),
                ColumnType::Text,
                "The rule that names the most similar source or medium; NULL where none has at least half in common.",
            ),
            Column::new(name("nearest_value"), ColumnType::Text, "What that rule names."),
        ];
        let model = self.scope.model;
        Contract {
            table: unmapped_table(model),
            role: Role::Companion,
            description: format!(
                "The {} combinations of source, medium and referrer with most touches that no rule of `{model}` holds for, so that rules can be added.",
                spec.unmapped.list
            ),
            grain: vec![name("rank")],
            columns,
            methodology: Methodology {
                summary: vec![format!(
                    "The touches of `{model}` in the channel `{}`, counted by source, medium and referrer's host.",
                    self.book.unmapped_channel
                )],
                assumptions: Vec::new(),
                limits: vec![format!("Only the first {} combinations are listed.", spec.unmapped.list)],
            },
        }
    }

    fn rejects(&self) -> Contract {
        let mut contract = rejects_contract(self.scope.model, &REASONS);
        for column in contract.columns.iter_mut().filter(|column| column.name.as_str() == "source_key") {
            let key = inputs::pii(self.scope, &self.spec.from, &[&self.resolved.touch_id]);
            column.pii = column.pii.max(key);
        }
        contract
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn precedence(precedence: Precedence) -> &'static str {
    match precedence {
        Precedence::ClickId => {
            "Where the two disagree, the shipped rules take platform and paid-ness from the click id and the rest from the tags."
        }
        Precedence::Utm => {
            "Where the two disagree, the shipped rules take the tags; a click id counts only where source and medium are missing."
        }
    }
}
