//! The form in which values are compared: match keys, unique ids and what rules look at value by value, as
//! typed expressions over a record's fields.

use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, cast, when};

use super::fields::Field;
use super::matching::FieldKind;
use super::placeholders;
use super::spec::Dedupe;
use crate::contract::ColumnType;
use crate::diag::{Diagnostics, Place};
use crate::engine::text::{MAX_BYTES, trimmed};
use crate::engine::{Engine, TypedExpr};
use crate::kinds::typing::demand;
use crate::syntax::{ExprText, SqlText};

/// Digits that a number has without its country's code, at least.
const MIN_DIGITS: usize = 7;
/// Digits that a number has with its country's code, at most (E.164).
const MAX_DIGITS: usize = 15;

/// One thing that is compared.
#[derive(Debug, Clone)]
pub(super) struct Term {
    /// As written.
    pub(super) text: String,
    /// Over the fields of a record; NULL where there is nothing to compare.
    pub(super) expr: Expr,
}

/// What a model's fields are compared as.
pub(super) struct Forms<'a> {
    fields: &'a [Field],
    schema: DFSchema,
    /// The further arguments of `phone_key`: the record's countries, then the model's.
    countries: String,
    engine: &'a Engine,
    /// By field, whether its value is one to be ignored; none where none is.
    ignored: Vec<Ignored>,
}

/// What of a value that cannot be compared as it stands is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    Whole,
    /// What comes after [`MAX_BYTES`].
    End,
}

impl Unreadable {
    /// What it is of values of a kind.
    pub(super) fn of(kind: FieldKind) -> Option<Self> {
        match kind {
            FieldKind::Email | FieldKind::Phone => Some(Self::Whole),
            kind if kind.is_name() || kind == FieldKind::Company => Some(Self::End),
            _ => None,
        }
    }

    /// As what it is counted.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Whole => "values_unreadable",
            Self::End => "values_cut",
        }
    }
}

/// Whether a value is to be ignored.
#[derive(Default)]
struct Ignored {
    /// In expressions: because the model lists it.
    listed: Option<Expr>,
    /// In the field by its name: because the model lists it, or as a placeholder.
    named: Option<Expr>,
}

impl<'a> Forms<'a> {
    pub(super) fn new(spec: &Dedupe, fields: &'a [Field], engine: &'a Engine, diags: &mut Diagnostics) -> Option<Self> {
        let columns = fields.iter().map(|field| ArrowField::new(field.name.as_str(), field.promise.arrow(), true));
        let schema = DFSchema::try_from(Schema::new(columns.collect::<Vec<_>>())).ok()?;
        let default = spec.default_country.as_ref().map_or_else(String::new, |country| format!(", {}", text(country)));
        let own = fields.iter().filter_map(|field| Some((field.country_rank()?, format!(", {}", quoted(field)))));
        let mut own: Vec<(u8, String)> = own.collect();
        own.sort_by_key(|(rank, _)| *rank);
        let countries = own.into_iter().map(|(_, country)| country).collect::<String>() + &default;
        let mut forms = Self { fields, schema, countries, engine, ignored: Vec::new() };
        for field in fields {
            let mut typed = |sql: Vec<String>| match sql.is_empty() {
                true => Some(None),
                false => forms.typed(sql.join(" OR "), Place::default(), diags).map(|typed| Some(typed.expr)),
            };
            let listed = forms.is_listed(field, &default);
            let placeholders = if spec.ignore_placeholders { is_placeholder(field) } else { Vec::new() };
            let named = typed([listed.as_slice(), placeholders.as_slice()].concat())?;
            let ignored = Ignored { listed: typed(listed)?, named };
            forms.ignored.push(ignored);
        }
        Some(forms)
    }

    /// A field by its name alone is compared as its kind wants it; anything else is an expression.
    pub(super) fn term(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<Term> {
        let named = |name: &str| self.fields.iter().find(|field| field.name.as_str() == name);
        let word = text.as_str().trim();
        let email = |name| named(name).filter(|field| field.kind == FieldKind::Email);
        let (sql, of): (String, IgnoredIn) = match (named(word), word.strip_suffix("_domain").and_then(email)) {
            (Some(field), _) => (self.key_of(field), |ignored| &ignored.named),
            (None, Some(field)) => (format!("domain_key({})", quoted(field)), |ignored| &ignored.named),
            (None, None) => (text.as_str().to_string(), |ignored| &ignored.listed),
        };
        let typed = self.typed(sql, text.place, diags)?;
        let ty = ColumnType::of_arrow(&typed.data_type);
        let fits = ty.is_some() && ty != Some(ColumnType::Double);
        demand(fits, text, &typed, "something that is equal or not", diags)?;
        let expr = self.without_ignored(self.trimmed(typed.expr), of);
        let expr = if ty == Some(ColumnType::Text) { cast(expr, DataType::Utf8View) } else { expr };
        Some(Term { text: word.to_string(), expr })
    }

    /// What rules see of a field that look at values instead of keys; nothing where they see it as it is.
    ///
    /// What has a key is seen as that, so that one mailbox is one value however it is written, and what is no
    /// address or number is none. Of a number that no country has, or of which none is known, the digits are seen:
    /// two records that have the same ones say as much. Names stay as they are: how alike two are is told by what
    /// was written.
    pub(super) fn compared(&self, field: &Field, diags: &mut Diagnostics) -> Option<Option<Expr>> {
        let has_key =
            matches!(field.kind, FieldKind::Email | FieldKind::Phone | FieldKind::Company | FieldKind::Domain);
        let sql = match has_key && field.ty() == ColumnType::Text {
            true if field.kind == FieldKind::Phone => {
                format!("coalesce({}, {})", self.key_of(field), digits(&quoted(field)))
            }
            true => self.key_of(field),
            false if self.ignored_of(field).is_none_or(|ignored| ignored.named.is_none()) => return Some(None),
            false => quoted(field),
        };
        let typed = self.typed(sql, Place::default(), diags)?;
        Some(Some(cast(self.without_ignored(typed.expr, |ignored| &ignored.named), DataType::Utf8View)))
    }

    /// Whether a value is there and is not compared as it stands: an address or number of the country that is
    /// none, a name of which only the start counts. Nothing of other kinds.
    pub(super) fn unreadable(&self, field: &Field, diags: &mut Diagnostics) -> Option<Option<Expr>> {
        let sql = match Unreadable::of(field.kind) {
            Some(_) if field.ty() != ColumnType::Text => return Some(None),
            Some(Unreadable::Whole) => {
                format!("trimmed({}) IS NOT NULL AND {} IS NULL", quoted(field), self.key_of(field))
            }
            Some(Unreadable::End) => format!("octet_length({}) > {MAX_BYTES}", quoted(field)),
            None => return Some(None),
        };
        let typed = self.typed(sql, Place::default(), diags)?;
        // A value to be ignored is not there.
        Some(Some(self.without_ignored(typed.expr, |ignored| &ignored.named)))
    }

    fn typed(&self, sql: String, place: Place, diags: &mut Diagnostics) -> Option<TypedExpr> {
        let text = ExprText { value: SqlText(sql), place };
        self.engine.expr(&text, &self.schema).map_err(|diagnostic| diags.push(diagnostic)).ok()
    }

    /// The function that brings a field's values into the form in which they are compared.
    fn key_of(&self, field: &Field) -> String {
        let name = quoted(field);
        if field.ty() != ColumnType::Text {
            return name;
        }
        match field.kind {
            FieldKind::GivenName => format!("given_name_key({name})"),
            // Ids of some systems differ by case alone.
            FieldKind::Id => format!("trimmed({name})"),
            kind => key(kind, &name, &self.countries).unwrap_or_else(|| format!("lower(trimmed({name}))")),
        }
    }

    /// Whether a value is one that the model lists, however it is written: with its letters, its key, or, of a
    /// phone number, its digits, as most placeholders are no numbers that a country has. Any of these.
    fn is_listed(&self, field: &Field, default_country: &str) -> Vec<String> {
        if field.ignored.is_empty() {
            return Vec::new();
        }
        let name = quoted(field);
        let among = |form: &dyn Fn(&str, &str) -> Option<String>| {
            let values = field.ignored.iter().map(|value| form(&text(value), default_country));
            Some(is_among(&form(&name, &self.countries)?, &values.collect::<Option<Vec<_>>>()?))
        };
        let mut forms = vec![among(&|value, _| Some(format!("lower(trimmed(CAST({value} AS VARCHAR)))")))];
        if field.ty() == ColumnType::Text {
            forms.push(among(&|value, countries| key(field.kind, value, countries)));
            forms.push(among(&|value, _| (field.kind == FieldKind::Phone).then(|| format!("digits_key({value})"))));
        }
        forms.into_iter().flatten().collect()
    }

    fn ignored_of(&self, field: &Field) -> Option<&Ignored> {
        let at = self.fields.iter().position(|known| known.name == field.name)?;
        self.ignored.get(at)
    }

    /// The expression over fields as they are stored: a blank text is none to it, as it is to every match key.
    fn trimmed(&self, expr: Expr) -> Expr {
        let texts =
            |name: &str| self.fields.iter().any(|field| field.name.as_str() == name && field.ty() == ColumnType::Text);
        let done = expr.clone().transform_down(|part| match &part {
            Expr::ScalarFunction(f) if f.func.name().ends_with("_key") => {
                Ok(Transformed::new(part, false, TreeNodeRecursion::Jump))
            }
            Expr::Column(column) if texts(&column.name) => {
                Ok(Transformed::new(trimmed(part), true, TreeNodeRecursion::Jump))
            }
            _ => Ok(Transformed::no(part)),
        });
        done.map_or(expr, |done| done.data)
    }

    /// The expression, in which the values to be ignored are NULL.
    fn without_ignored(&self, expr: Expr, of: IgnoredIn) -> Expr {
        let done = expr.clone().transform(|part| {
            let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
            let at = self.fields.iter().position(|field| field.name.as_str() == column.name);
            match at.and_then(|at| of(self.ignored.get(at)?).clone()) {
                Some(ignored) => Ok(Transformed::yes(when(ignored.is_not_true(), part).end()?)),
                None => Ok(Transformed::no(part)),
            }
        });
        done.map_or(expr, |done| done.data)
    }
}

/// Which values of a field are to be ignored, by where it stands.
type IgnoredIn = fn(&Ignored) -> &Option<Expr>;

/// Whether a value is one that forms are filled with where nothing is known. Any of these.
fn is_placeholder(field: &Field) -> Vec<String> {
    let values: Vec<String> = placeholders::of(field.kind).iter().map(text).collect();
    if values.is_empty() || field.ty() != ColumnType::Text {
        return Vec::new();
    }
    let name = quoted(field);
    match field.kind {
        FieldKind::Phone => vec![is_among(&format!("digits_key({name})"), &values)],
        FieldKind::Email => {
            let local = placeholders::LOCAL_PARTS.map(text);
            // As it is written, and without a name before it and the like; some placeholders are no addresses.
            let forms = [format!("lower(trimmed({name}))"), format!("email_clean({name})")];
            let among =
                |form: &String| [is_among(form, &values), is_among(&format!("split_part({form}, '@', 1)"), &local)];
            forms.iter().flat_map(among).collect()
        }
        _ => vec![is_among(&format!("lower(trimmed({name}))"), &values)],
    }
}

/// Whether a value is one of these; not where there is none.
fn is_among(value: &str, values: &[String]) -> String {
    format!("coalesce({value} IN ({}), false)", values.join(", "))
}

/// The digits of what may be a phone number: neither too few nor too many, and not one digit again and again.
fn digits(value: &str) -> String {
    let digits = format!("digits_key({value})");
    let differ = format!("replace({digits}, left({digits}, 1), '') <> ''");
    format!("CASE WHEN length({digits}) BETWEEN {MIN_DIGITS} AND {MAX_DIGITS} AND {differ} THEN {digits} END")
}

/// One spelling of a value for all that people write, where its kind has one: of names too, but a nickname is
/// no spelling.
fn key(kind: FieldKind, value: &str, countries: &str) -> Option<String> {
    Some(match kind {
        FieldKind::Email => format!("email_key({value})"),
        FieldKind::Phone => format!("phone_key({value}{countries})"),
        FieldKind::GivenName | FieldKind::FamilyName => format!("name_key({value})"),
        FieldKind::FullName => format!("full_name_key({value})"),
        FieldKind::Company => format!("company_key({value})"),
        FieldKind::Domain => format!("domain_key({value})"),
        _ => return None,
    })
}

fn quoted(field: &Field) -> String {
    format!("\"{}\"", field.name)
}

/// A text of SQL.
fn text(value: impl std::fmt::Display) -> String {
    format!("'{}'", value.to_string().replace('\'', "''"))
}
