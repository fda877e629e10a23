//! Source contracts (`schemas/*.yml`): what models rely on in the extracts of a system.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::{ColumnType, Period, Pii, Spanned, TableName};
use crate::diag::{Place, nearest};

/// The extracts of one system and what models rely on in them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// The system's name; `sources` in `marquetry.yml` says where its extracts lie.
    pub source: Spanned<TableName>,
    /// What the system is and how its extracts come about.
    #[serde(default)]
    pub description: Option<String>,
    /// Who answers questions about it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Its tables.
    pub tables: Vec<SourceTable>,
}

/// One table of a system's extracts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// The name that models read it by; models, source tables and seeds share one namespace.
    pub table: Spanned<TableName>,
    /// Where its Parquet files lie below the source's location: a file, a folder, or a pattern with
    /// `*`, `?` and `**`. Folders named `key=value` become columns.
    pub path: Spanned<String>,
    /// What a row is.
    #[serde(default)]
    pub description: Option<String>,
    /// The columns that models rely on; others may be used too, but nothing is promised of them.
    pub columns: IndexMap<Spanned<SourceName>, SourceColumn>,
    /// How old the newest row may be.
    #[serde(default)]
    pub freshness: Option<Freshness>,
}

impl SourceTable {
    /// A table of which nothing is promised: how an extract without a contract is opened.
    pub fn undeclared(table: TableName, path: &str) -> Self {
        let (table, path) = (Spanned::new(table, Place::default()), Spanned::new(path.to_string(), Place::default()));
        Self { table, path, description: None, columns: IndexMap::new(), freshness: None }
    }

    /// The columns that identify a row, in the order of the contract.
    pub fn key(&self) -> impl Iterator<Item = &Spanned<SourceName>> {
        self.columns.iter().filter(|(_, column)| column.key).map(|(name, _)| name)
    }

    /// What is promised of the column of that name.
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|(known, _)| known.as_str() == name).map(|(_, column)| column)
    }
}

/// The name of a column as the extract spells it, which need not be one that can be published:
/// loaders add columns such as `_fivetran_synced`, and exports have spaces and capitals.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(String);

impl SourceName {
    /// The longest name, in bytes.
    const LONGEST: usize = 300;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SourceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.len() > Self::LONGEST || text.chars().any(char::is_control) {
            return Err(D::Error::custom(format!("`{text}` cannot be the name of a column")));
        }
        Ok(Self(text))
    }
}

impl JsonSchema for SourceName {
    fn schema_name() -> Cow<'static, str> {
        "SourceName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "The name of a column as the extract spells it.", "minLength": 1, "maxLength": Self::LONGEST })
    }
}

/// What is promised of one column. A type alone is the short form.
#[derive(Debug, Clone)]
pub struct SourceColumn {
    /// Its type.
    pub ty: Spanned<SourceType>,
    /// Whether it may be NULL; keys never are.
    pub nullable: bool,
    /// Whether it is part of what identifies a row.
    pub key: bool,
    /// How personal it is; `None` where nobody has said.
    pub pii: Option<Pii>,
    /// What it means.
    pub description: Option<String>,
}

/// How old the newest row of a table may be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// The column that says when a row was loaded or changed.
    pub column: Spanned<SourceName>,
    /// Older than this is a warning.
    #[serde(default)]
    pub warn_after: Option<Spanned<Period>>,
    /// Older than this stops the run.
    #[serde(default)]
    pub error_after: Option<Spanned<Period>>,
}

/// The long form as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SourceColumnPromise")]
struct LongForm {
    /// Its type.
    #[serde(rename = "type")]
    ty: Spanned<SourceType>,
    /// Whether it may be NULL. Keys never may.
    #[serde(default)]
    nullable: bool,
    /// Whether it is part of what identifies a row.
    #[serde(default)]
    key: bool,
    /// How personal it is.
    #[serde(default)]
    pii: Option<Pii>,
    /// What it means.
    #[serde(default)]
    description: Option<String>,
}

impl<'de> Deserialize<'de> for SourceColumn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Spanned::<Form>::deserialize(deserializer)?;
        let LongForm { ty, nullable, key, pii, description } = match form.value {
            Form::Short(ty) => {
                let ty = Spanned::new(ty, form.place);
                LongForm { ty, nullable: false, key: false, pii: None, description: None }
            }
            Form::Long(long) => *long,
        };
        if key && nullable {
            return Err(D::Error::custom("a key column cannot be nullable: a row without a key cannot be told apart"));
        }
        Ok(Self { ty, nullable, key, pii, description })
    }
}

enum Form {
    Short(SourceType),
    Long(Box<LongForm>),
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Form;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type, or a mapping with the key `type`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Form, E> {
                SourceType::parse(text).map(Form::Short).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Form, A::Error> {
                LongForm::deserialize(MapAccessDeserializer::new(map)).map(|long| Form::Long(Box::new(long)))
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl JsonSchema for SourceColumn {
    fn schema_name() -> Cow<'static, str> {
        "SourceColumn".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (short, long) = (generator.subschema_for::<SourceType>(), generator.subschema_for::<LongForm>());
        json_schema!({ "description": "A type, or what is promised of the column.", "anyOf": [short, long] })
    }
}

/// The type of a source's column: one that can be published, or anything at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceType {
    /// A type that can be published.
    Column(ColumnType),
    /// Whatever the extract has, structs and lists too; SQL takes it apart.
    Any,
}

const PLAIN: [(&str, SourceType); 8] = [
    ("text", SourceType::Column(ColumnType::Text)),
    ("bigint", SourceType::Column(ColumnType::BigInt)),
    ("int", SourceType::Column(ColumnType::Int)),
    ("double", SourceType::Column(ColumnType::Double)),
    ("boolean", SourceType::Column(ColumnType::Boolean)),
    ("date", SourceType::Column(ColumnType::Date)),
    ("timestamp", SourceType::Column(ColumnType::Timestamp)),
    ("any", SourceType::Any),
];

/// What other systems call our types.
const ELSEWHERE: [(&str, &str); 32] = [
    ("string", "text"),
    ("varchar", "text"),
    ("char", "text"),
    ("str", "text"),
    ("utf8", "text"),
    ("uuid", "text"),
    ("integer", "int"),
    ("int32", "int"),
    ("smallint", "int"),
    ("tinyint", "int"),
    ("long", "bigint"),
    ("int64", "bigint"),
    ("float", "double"),
    ("float64", "double"),
    ("float32", "double"),
    ("real", "double"),
    ("numeric", "decimal(18, 2)"),
    ("number", "decimal(18, 2)"),
    ("money", "decimal(18, 2)"),
    ("bignumeric", "decimal(38, 9)"),
    ("bool", "boolean"),
    ("datetime", "timestamp"),
    ("timestamptz", "timestamp"),
    ("timestamp_tz", "timestamp"),
    ("timestamp_ntz", "timestamp"),
    ("struct", "any"),
    ("record", "any"),
    ("list", "any"),
    ("array", "any"),
    ("map", "any"),
    ("json", "text"),
    ("variant", "text"),
];

impl SourceType {
    /// Reads `text`, `bigint`, `int`, `double`, `decimal(18, 2)`, `boolean`, `date`, `timestamp` or
    /// `any`; the error says what was meant, where that can be told.
    pub fn parse(text: &str) -> Result<Self, String> {
        let word = text.trim().to_ascii_lowercase();
        let (name, arguments) = match word.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.trim_end().strip_suffix(')'))),
            None => (word.as_str(), None),
        };
        match (name, arguments) {
            ("decimal", Some(Some(arguments))) => decimal(text, arguments),
            (_, Some(None)) => Err(format!(
                "`{text}` breaks off at a comma: inside `{{ }}` a type with a comma stands in quotes, as in `\"decimal(18, 2)\"`"
            )),
            ("decimal", _) => Err(format!("`{text}` needs precision and scale, as in `decimal(18, 2)`")),
            (_, None) => match PLAIN.iter().find(|(known, _)| *known == name) {
                Some((_, ty)) => Ok(*ty),
                None => Err(unknown(text, name)),
            },
            (_, Some(_)) if PLAIN.iter().any(|(known, _)| *known == name) => {
                Err(format!("`{text}`: `{name}` takes nothing in brackets"))
            }
            _ => Err(unknown(text, name)),
        }
    }

    /// The type under which it can be published; `None` for `any`.
    pub fn column(self) -> Option<ColumnType> {
        match self {
            Self::Column(ty) => Some(ty),
            Self::Any => None,
        }
    }
}

fn decimal(text: &str, arguments: &str) -> Result<SourceType, String> {
    let wrong = || {
        format!(
            "`{text}` is not a decimal: write `decimal(precision, scale)` with 1 ≤ scale ≤ precision ≤ 38, or scale 0"
        )
    };
    let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
    let precision: u8 = precision.trim().parse().map_err(|_| wrong())?;
    let scale: i8 = scale.trim().parse().map_err(|_| wrong())?;
    let fits = (1..=38).contains(&precision) && (0..=precision as i8).contains(&scale);
    fits.then_some(SourceType::Column(ColumnType::Decimal(precision, scale))).ok_or_else(wrong)
}

fn unknown(text: &str, name: &str) -> String {
    let meant = ELSEWHERE.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours);
    let known = || PLAIN.iter().map(|(name, _)| *name).chain(["decimal"]);
    match meant.or_else(|| nearest(name, known())) {
        Some(ours) => format!("`{text}` is not a type, did you mean `{ours}`?"),
        None => format!(
            "`{text}` is not a type: one of {}",
            known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

impl fmt::Display for SourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(ty) => ty.fmt(f),
            Self::Any => f.write_str("any"),
        }
    }
}

impl<'de> Deserialize<'de> for SourceType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for SourceType {
    fn schema_name() -> Cow<'static, str> {
        "SourceType".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`text`, `bigint`, `int`, `double`, `decimal(18, 2)`, `boolean`, `date`, `timestamp`, or `any`.",
            "type": "string",
            "anyOf": [
                { "enum": PLAIN.map(|(name, _)| name) },
                { "pattern": r"^\s*decimal\s*\(\s*[0-9]+\s*(,\s*[0-9]+\s*)?\)\s*$" }
            ]
        })
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
