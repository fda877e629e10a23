//! Names of tables and columns, valid in every warehouse that will read them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

const PATTERN: &str = "^[a-z][a-z0-9_]{0,62}$";

/// Whether `name` may name a table or a column: `[a-z][a-z0-9_]{0,62}`.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= 63
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name, if it is a valid one.
            pub fn new(name: &str) -> Option<Self> {
                is_name(name).then(|| Self(name.to_string()))
            }

            /// A name that the program itself spells; only for literals of ours.
            pub fn new_unchecked(name: &str) -> Self {
                debug_assert!(is_name(name), "{name}");
                Self(name.to_string())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// This name with an ending, shortened where the whole would be too long.
            #[must_use]
            pub fn with_suffix(&self, suffix: &str) -> Self {
                let keep = self.0.len().min(63usize.saturating_sub(suffix.len()));
                Self(format!("{}{suffix}", self.0.get(..keep).unwrap_or_default()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).ok_or_else(|| {
                    D::Error::custom(format!(
                        concat!("`{}` is not a ", $what, " name: use lower-case letters, digits and `_`, a letter first, at most 63"),
                        text
                    ))
                })
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": PATTERN })
            }
        }
    };
}

name_type!(
    /// The name of a model, a source table or a seed; they share one namespace.
    TableName, "table"
);
name_type!(
    /// The name of a column.
    ColumnName, "column"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_portable() {
        for good in ["a", "fct_credits", "a1_"] {
            assert!(TableName::new(good).is_some(), "{good}");
        }
        for bad in ["", "A", "1a", "_a", "a-b", "a b", "ä", &"a".repeat(64)] {
            assert!(TableName::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn suffix_never_makes_a_name_too_long() {
        let long = TableName::new_unchecked(&"a".repeat(60));
        assert_eq!(long.with_suffix("_rejects").as_str().len(), 63);
    }
}
