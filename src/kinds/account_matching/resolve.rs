//! The spec against the tables it reads: every expression typed, every tier with what it needs.

use arrow::datatypes::DataType;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, cast, lit};

use super::preference::{Order, Preference};
use super::review;
use super::spec::{AccountMatching, Accounts, Leads};
use super::tier::Tier;
use crate::contract::ColumnType;
use crate::diag::Diagnostics;
use crate::engine::TypedExpr;
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, Typing, columns_of, demand, transpose};
use crate::syntax::{ExprText, Spanned, SqlText, TableName};

/// A model of this kind in which every name means something.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) leads: Side<{ LeadText::COUNT }>,
    pub(super) accounts: Side<{ AccountText::COUNT }>,
    /// Whether the accounts' website stands in for their domain.
    pub(super) domain_is_website: bool,
    /// Record → account id.
    pub(super) crosswalk: Option<Pair>,
    /// Alias → domain.
    pub(super) aliases: Option<Pair>,
    pub(super) tiers: Vec<Tier>,
    /// The least similarity of names, in millionths.
    pub(super) least: u32,
    pub(super) prefer: Vec<ResolvedPreference>,
    /// Hosts that as a website say nothing.
    pub(super) shared_websites: Vec<String>,
    pub(super) names_across_domains: bool,
    pub(super) max_accounts: u32,
    pub(super) max_names: u32,
    /// Of the preferences' values.
    pub(super) preferred: Promise,
}

/// What is known of a lead, in the order in which rows carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadText {
    AccountId,
    Email,
    Website,
    Company,
    Country,
    State,
}

impl LeadText {
    pub(super) const COUNT: usize = 6;
}

/// What is known of an account, in the order in which rows carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountText {
    Domain,
    Website,
    Name,
    Country,
    State,
}

impl AccountText {
    pub(super) const COUNT: usize = 5;
}

/// The table of leads or of accounts, typed.
#[derive(Debug)]
pub(super) struct Side<const N: usize> {
    pub(super) table: TableName,
    pub(super) filter: Option<Expr>,
    /// Of the id's own type.
    pub(super) id: Expr,
    pub(super) id_promise: Promise,
    /// As texts; none where it is not declared.
    pub(super) texts: [Option<Expr>; N],
    /// Of the texts together.
    pub(super) texts_promise: Promise,
}

/// Two columns of a table that is looked things up in, as texts.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) table: TableName,
    pub(super) from: Expr,
    pub(super) to: Expr,
}

/// What makes one account go before another, typed.
#[derive(Debug)]
pub(super) struct ResolvedPreference {
    pub(super) title: String,
    pub(super) descending: bool,
    pub(super) by: Expr,
}

/// Types the whole spec; mistakes go to `diags`.
pub(super) fn resolve(spec: &AccountMatching, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
    review::limits(spec, diags);
    let tiers = review::tiers(spec, diags);
    let shared_websites = review::shared_websites(spec, diags);
    let leads = leads(&spec.leads, scope, diags);
    let mut preferred = Promise::default();
    let accounts = accounts(&spec.accounts, &spec.prefer, &mut preferred, scope, diags);
    let crosswalk = spec.crosswalk.as_ref().map(|crosswalk| {
        let (record, id) = (crosswalk.record.clone(), crosswalk.id.clone());
        pair(&crosswalk.from, Key::Any, [record, id], scope, diags)
    });
    let aliases = spec.aliases.as_ref().map(|aliases| {
        let column = |text: &Option<ExprText>, name: &str| {
            text.clone().unwrap_or_else(|| Spanned::new(SqlText(name.to_string()), aliases.from.place))
        };
        let columns = [column(&aliases.alias, "alias"), column(&aliases.domain, "domain")];
        pair(&aliases.from, Key::Text, columns, scope, diags)
    });
    let (accounts, prefer) = accounts?;
    let (tiers, least) = tiers?;
    Some(Resolved {
        leads: leads?,
        accounts,
        domain_is_website: spec.accounts.fields.domain.is_none(),
        crosswalk: transpose(crosswalk)?,
        aliases: transpose(aliases)?,
        tiers,
        least,
        prefer,
        shared_websites,
        names_across_domains: spec.names_across_domains,
        max_accounts: spec.max_accounts_per_key.value,
        max_names: spec.max_names_compared.value,
        preferred,
    })
}

fn leads(spec: &Leads, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Side<{ LeadText::COUNT }>> {
    let fields = &spec.fields;
    let text = |text| (Key::Text, text);
    let texts = [
        (Key::Any, &fields.account_id),
        text(&fields.email),
        text(&fields.website),
        text(&fields.company),
        text(&fields.country),
        text(&fields.state),
    ];
    side(&spec.from, spec.filter.as_ref(), &spec.id, texts, scope, diags)
}

type AccountSide = (Side<{ AccountText::COUNT }>, Vec<ResolvedPreference>);

fn accounts(
    spec: &Accounts,
    prefer: &[Spanned<Preference>],
    preferred: &mut Promise,
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<AccountSide> {
    let fields = &spec.fields;
    let domain = fields.domain.clone().or_else(|| fields.website.clone());
    let website = fields.website.clone().or_else(|| fields.domain.clone());
    let texts = [&domain, &website, &fields.name, &fields.country, &fields.state].map(|text| (Key::Text, text));
    let side = side(&spec.from, spec.filter.as_ref(), &spec.id, texts, scope, diags)?;
    let columns = columns_of(scope, &spec.from, diags)?;
    let over = Typing::new(scope, &columns);
    let typed: Vec<Option<ResolvedPreference>> = prefer
        .iter()
        .map(|written| {
            let by = written.value.by_at(written.place);
            let value = value_of(written.value.order, &by, over, diags)?;
            preferred.add(&spec.from.value, &over.any(&by, diags)?, scope);
            let order = written.value.order;
            Some(ResolvedPreference { title: written.value.title(), descending: order.descending(), by: value })
        })
        .collect();
    Some((side, typed.into_iter().collect::<Option<_>>()?))
}

/// The value that accounts are ordered by.
fn value_of(order: Order, by: &ExprText, over: Typing<'_>, diags: &mut Diagnostics) -> Option<Expr> {
    match order {
        Order::When => Some(coalesce(vec![over.condition(by, diags)?.expr, lit(false)])),
        Order::Latest | Order::Earliest => over.instant(by, diags).map(|(_, instant)| instant),
        Order::Highest | Order::Lowest => {
            let typed = over.any(by, diags)?;
            let exact = matches!(
                ColumnType::of_arrow(&typed.data_type),
                Some(ColumnType::Int | ColumnType::BigInt | ColumnType::Decimal(_, _))
            );
            demand(exact, by, &typed, "a whole number or a decimal", diags)?;
            Some(typed.expr)
        }
    }
}

fn side<const N: usize>(
    from: &Spanned<TableName>,
    filter: Option<&ExprText>,
    id: &ExprText,
    texts: [(Key, &Option<ExprText>); N],
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<Side<N>> {
    let columns = columns_of(scope, from, diags)?;
    let over = Typing::new(scope, &columns);
    let filter = transpose(filter.map(|filter| over.condition(filter, diags)));
    let id = over.key(id, diags);
    let (mut id_promise, mut texts_promise) = (Promise::default(), Promise::default());
    let mut failed = false;
    let mut typed = [const { None }; N];
    for ((kind, text), typed) in texts.into_iter().zip(&mut typed) {
        let Some(text) = text else { continue };
        match as_text(text, kind, over, diags) {
            Some((value, known)) => {
                texts_promise.add(&from.value, &known, scope);
                *typed = Some(value);
            }
            None => failed = true,
        }
    }
    let id = id?;
    id_promise.add(&from.value, &id, scope);
    let id = cast(id.expr, id_promise.arrow());
    let filter = filter?.map(|filter| filter.expr);
    (!failed).then(|| Side { table: from.value.clone(), filter, id, id_promise, texts: typed, texts_promise })
}

/// What a text is made of.
#[derive(Clone, Copy)]
enum Key {
    Text,
    /// A text or a whole number.
    Any,
}

fn as_text(text: &ExprText, kind: Key, over: Typing<'_>, diags: &mut Diagnostics) -> Option<(Expr, TypedExpr)> {
    let typed = match kind {
        Key::Any => over.key(text, diags)?,
        Key::Text => {
            let typed = over.any(text, diags)?;
            let fits = ColumnType::of_arrow(&typed.data_type) == Some(ColumnType::Text);
            demand(fits, text, &typed, "a text", diags)?;
            typed
        }
    };
    Some((cast(typed.expr.clone(), DataType::Utf8View), typed))
}

fn pair(
    from: &Spanned<TableName>,
    kind: Key,
    columns: [ExprText; 2],
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<Pair> {
    let known = columns_of(scope, from, diags)?;
    let over = Typing::new(scope, &known);
    let [from_text, to_text] = columns.map(|text| as_text(&text, kind, over, diags));
    Some(Pair { table: from.value.clone(), from: from_text?.0, to: to_text?.0 })
}
