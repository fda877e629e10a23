//! The text functions as SQL names them; `docs/text-functions.md` is their reference, and a test
//! runs every line of it.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringViewArray, StringViewBuilder,
    UInt32Array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use rlibphonenumber::Region;

use super::email::Tags;
use super::phone::PhoneKey;
use super::{company, domain, email, name, phone, similar};
use crate::views::SeenViews;

/// Every text function.
pub(in crate::engine) fn all() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|(usage, work)| ScalarUDF::from(TextFunction::new(usage, *work)))
}

/// What stands around a text is not part of it.
const TRIMMED: &str = "trimmed(text)";

/// The text without white space around it, NULL where nothing else is there: as values are stored.
pub fn trimmed(text: Expr) -> Expr {
    let own = FUNCTIONS.iter().filter(|(usage, _)| *usage == TRIMMED);
    let function = own.map(|(usage, work)| ScalarUDF::from(TextFunction::new(usage, *work))).next();
    match function {
        Some(function) => Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![text])),
        None => text,
    }
}

/// The second argument of `email_key` that drops `+tag` at every domain.
const DROP_TAGS: &str = "drop_tags";

/// By so many rows it is judged whether values come again,
const FIRST_ROWS: usize = 2_048;
/// which is worth while if one in so many does: to ask costs little beside the answer.
const ONE_IN: usize = 8;

type Text = for<'a> fn(&'a str) -> Option<Cow<'a, str>>;

/// What a function does with the values of a row.
#[derive(Debug, Clone, Copy)]
enum Work {
    Text(Text),
    Flag(fn(&str) -> Option<bool>),
    /// Of an address, with an option.
    EmailKey,
    /// Of a number and any number of countries.
    PhoneText(fn(PhoneKey) -> Option<String>),
    PhoneFlag(fn(PhoneKey) -> bool),
    /// Of two texts.
    Similarity(fn(&str, &str) -> f64),
    Distance(fn(&str, &str) -> usize),
    Same(fn(&str, &str) -> bool),
}

/// How a function is written, and what it does.
const FUNCTIONS: &[(&str, Work)] = &[
    (TRIMMED, Work::Text(|text| Some(text.trim()).filter(|text| !text.is_empty()).map(Cow::Borrowed))),
    ("email_clean(email)", Work::Text(email::clean_cow)),
    ("email_key(email[, 'drop_tags'])", Work::EmailKey),
    ("email_domain(email)", Work::Text(|text| email::domain(text).map(Cow::Owned))),
    ("email_is_role(email)", Work::Flag(email::is_role)),
    ("email_is_disposable(email)", Work::Flag(email::is_disposable)),
    ("phone_key(number[, country, …])", Work::PhoneText(|key| Some(key.e164))),
    ("phone_extension(number[, country, …])", Work::PhoneText(|key| key.extension)),
    ("phone_is_toll_free(number[, country, …])", Work::PhoneFlag(|key| key.toll_free)),
    ("digits_key(text)", Work::Text(phone::digits_cow)),
    ("name_key(name)", Work::Text(name::key_cow)),
    ("full_name_key(name)", Work::Text(|text| name::full_key(text).map(Cow::Owned))),
    ("given_name_key(name)", Work::Text(name::given_key_cow)),
    ("may_be_same_given_name(a, b)", Work::Same(name::may_be_same_given)),
    ("letters_key(text)", Work::Text(name::letters_cow)),
    ("country_key(country)", Work::Text(|text| phone::country_key(text).map(Cow::Owned))),
    ("company_key(company)", Work::Text(|text| company::key(text).map(Cow::Owned))),
    ("domain_host(text)", Work::Text(domain::host_cow)),
    ("domain_registrable(text)", Work::Text(|text| domain::registrable(text).map(Cow::Owned))),
    ("domain_key(text)", Work::Text(|text| domain::company_key(text).map(Cow::Owned))),
    ("is_free_mail(text)", Work::Flag(domain::is_free_mail)),
    ("jaro_winkler(a, b)", Work::Similarity(similar::jaro_winkler)),
    ("token_set_similarity(a, b)", Work::Similarity(similar::token_set)),
    ("damerau_levenshtein(a, b)", Work::Distance(similar::damerau_levenshtein)),
    ("soundex(text)", Work::Text(|text| similar::soundex(text).map(Cow::Owned))),
];

/// One function; its name tells it from the others.
#[derive(Debug)]
struct TextFunction {
    name: &'static str,
    /// How it is written, for messages.
    usage: &'static str,
    work: Work,
    signature: Signature,
}

impl PartialEq for TextFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TextFunction {}

impl Hash for TextFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl TextFunction {
    fn new(usage: &'static str, work: Work) -> Self {
        let name = usage.split('(').next().unwrap_or(usage);
        Self { name, usage, work, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn takes(&self, count: usize) -> bool {
        match self.work {
            Work::Text(_) | Work::Flag(_) => count == 1,
            Work::EmailKey => (1..=2).contains(&count),
            Work::PhoneText(_) | Work::PhoneFlag(_) => count >= 1,
            Work::Similarity(_) | Work::Distance(_) | Work::Same(_) => count == 2,
        }
    }

    fn returns(&self) -> DataType {
        match self.work {
            Work::Text(_) | Work::EmailKey | Work::PhoneText(_) => DataType::Utf8View,
            Work::Flag(_) | Work::PhoneFlag(_) | Work::Same(_) => DataType::Boolean,
            Work::Similarity(_) => DataType::Float64,
            Work::Distance(_) => DataType::Int64,
        }
    }

    /// The answers for `rows` rows, or for one where every argument is a constant.
    fn answer(&self, args: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        if let Some((values, keys, rest)) = small_dictionary(args, rows) {
            let mut once = vec![ColumnarValue::Array(values.clone())];
            once.extend_from_slice(rest);
            return Ok(take(&self.answer(&once, values.len())?, keys, None)?);
        }
        let columns = args.iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        self.rows(&columns, rows)
    }

    fn rows(&self, columns: &[Column], rows: usize) -> Result<ArrayRef> {
        let Some((first, rest)) = columns.split_first() else { return Ok(Arc::new(BooleanArray::new_null(rows))) };
        let alone = |row| first.get(row);
        let pair = |row| alone(row).zip(rest.first().and_then(|second| second.get(row)));
        match self.work {
            Work::Text(work) => texts(columns, rows, |row| work(alone(row)?)),
            Work::Flag(work) => Ok(flags(columns, rows, |row| work(alone(row)?))),
            Work::EmailKey => {
                let tags = if rest.is_empty() { Tags::ByProvider } else { Tags::Everywhere };
                texts(columns, rows, |row| email::key_cow(alone(row)?, tags))
            }
            Work::PhoneText(part) => {
                let countries = Countries::new(rest);
                texts(columns, rows, |row| part(phone::key_in(alone(row)?, countries.of(row))?).map(Cow::Owned))
            }
            Work::PhoneFlag(part) => {
                let countries = Countries::new(rest);
                Ok(flags(columns, rows, |row| Some(part(phone::key_in(alone(row)?, countries.of(row))?))))
            }
            Work::Similarity(work) => {
                let similarity = |row| pair(row).map(|(a, b)| work(a, b));
                Ok(Arc::new((0..rows).map(similarity).collect::<Float64Array>()))
            }
            Work::Distance(work) => {
                let distance = |row| pair(row).and_then(|(a, b)| i64::try_from(work(a, b)).ok());
                Ok(Arc::new((0..rows).map(distance).collect::<Int64Array>()))
            }
            Work::Same(work) => Ok(flags(columns, rows, |row| pair(row).map(|(a, b)| work(a, b)))),
        }
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (name, usage) = (self.name, self.usage);
        if !self.takes(types.len()) {
            return plan_err!("'{name}' does not support {} values; written {usage};", types.len());
        }
        if let Some(other) = types.iter().find(|data_type| !is_text(data_type)) {
            return plan_err!("'{name}' requires text, but received {other} (DataType); written {usage};");
        }
        let known = |data_type: &DataType| if data_type.is_null() { DataType::Utf8 } else { data_type.clone() };
        Ok(types.iter().map(known).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        if let (Work::EmailKey, Some(option)) = (self.work, args.scalar_arguments.get(1)) {
            let word = option.and_then(|option| option.try_as_str().flatten());
            if word != Some(DROP_TAGS) {
                return plan_err!("'{}' does not support that second value; written {};", self.name, self.usage);
            }
        }
        Ok(Arc::new(Field::new(self.name, self.returns(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) {
            let answer = self.answer(&args.args, 1)?;
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?));
        }
        Ok(ColumnarValue::Array(self.answer(&args.args, args.number_rows)?))
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The values and keys of a dictionary that is the only column among the arguments. One with more
/// values than rows is read row by row: most of its values may not be used.
fn small_dictionary(args: &[ColumnarValue], rows: usize) -> Option<(&ArrayRef, &dyn Array, &[ColumnarValue])> {
    let (ColumnarValue::Array(first), rest) = args.split_first()? else { return None };
    let dictionary = first.as_any_dictionary_opt().filter(|dictionary| dictionary.values().len() <= rows)?;
    let alone = rest.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    alone.then(|| (dictionary.values(), dictionary.keys(), rest))
}

/// Text of every encoding, or one constant for all rows.
struct Column {
    texts: StringViewArray,
    constant: bool,
}

impl Column {
    fn new(value: &ColumnarValue) -> Result<Self> {
        let constant = matches!(value, ColumnarValue::Scalar(_));
        let array = value.to_array(1)?;
        // Taken apart here, since a cast of a dictionary to views forgets which of its values are NULL.
        let plain = match array.as_any_dictionary_opt() {
            Some(dictionary) => take(dictionary.values(), dictionary.keys(), None)?,
            None => array,
        };
        let views = cast(&plain, &DataType::Utf8View)?;
        Ok(Self { texts: views.as_string_view().clone(), constant })
    }

    fn get(&self, row: usize) -> Option<&str> {
        let row = if self.constant { 0 } else { row };
        self.texts.is_valid(row).then(|| self.texts.value(row))
    }
}

/// The countries of a row; constants are looked up once, NULL and unknown ones passed over.
struct Countries<'a>(Vec<Country<'a>>);

enum Country<'a> {
    Known(Region),
    Of(&'a Column),
}

impl<'a> Countries<'a> {
    fn new(columns: &'a [Column]) -> Self {
        let read = |column: &'a Column| match column.constant {
            true => column.get(0).and_then(phone::region).map(Country::Known),
            false => Some(Country::Of(column)),
        };
        Self(columns.iter().filter_map(read).collect())
    }

    fn of(&self, row: usize) -> impl Iterator<Item = Region> {
        self.0.iter().filter_map(move |country| match country {
            Country::Known(region) => Some(*region),
            Country::Of(column) => column.get(row).and_then(phone::region),
        })
    }
}

/// The only argument that is no constant, if it is the first one: what a row is answered follows from its value.
fn only(columns: &[Column]) -> Option<&StringViewArray> {
    let (first, rest) = columns.split_first()?;
    (!first.constant && rest.iter().all(|column| column.constant)).then_some(&first.texts)
}

/// Texts, of which each is made once where values come again.
fn texts<'a>(columns: &'a [Column], rows: usize, answer: impl Fn(usize) -> Option<Cow<'a, str>>) -> Result<ArrayRef> {
    let mut made = StringViewBuilder::with_capacity(rows);
    let Some(values) = only(columns).filter(|values| do_repeat(values)) else {
        (0..rows).for_each(|row| made.append_option(answer(row)));
        return Ok(Arc::new(made.finish()));
    };
    let mut seen = SeenViews::new(rows, 0);
    let mut place = |(row, view): (usize, &u128)| {
        if values.is_null(row) {
            return 0;
        }
        seen.get_or(*view, || {
            made.append_option(answer(row));
            made.len() as u32 - 1
        })
    };
    let places: Vec<u32> = values.views().iter().enumerate().map(&mut place).collect();
    let places = UInt32Array::new(places.into(), values.nulls().cloned());
    Ok(take(&made.finish(), &places, None)?)
}

/// Whether values of the first rows come again, by which the others are judged.
fn do_repeat(values: &StringViewArray) -> bool {
    let first = values.views().iter().take(FIRST_ROWS);
    let (rows, mut different, mut seen) = (first.len(), 0, SeenViews::new(FIRST_ROWS, ()));
    first.for_each(|view| seen.get_or(*view, || different += 1));
    different <= rows - rows / ONE_IN
}

fn flags(columns: &[Column], rows: usize, answer: impl Fn(usize) -> Option<bool>) -> ArrayRef {
    let Some(values) = only(columns) else { return Arc::new((0..rows).map(answer).collect::<BooleanArray>()) };
    let mut seen = SeenViews::new(rows, None);
    let views = values.views().iter().enumerate();
    let flag = |(row, view): (usize, &u128)| values.is_valid(row).then(|| seen.get_or(*view, || answer(row))).flatten();
    Arc::new(views.map(flag).collect::<BooleanArray>())
}
