//! Every code a diagnostic can have. Numbers are never used twice; `codes.md` explains each one.

use std::fmt;

/// The number of a kind of mistake, shown as `M0012`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// Reads `M0012`, `m12` or `12`; only codes that exist are read.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches(['M', 'm']);
        let code = Self(digits.parse().ok()?);
        ALL.iter().any(|(known, _)| *known == code).then_some(code)
    }

    /// The codes next to a number that is written like a code and is none, below and above.
    pub fn around(text: &str) -> Option<(Option<Self>, Option<Self>)> {
        let missing = Self(text.trim().trim_start_matches(['M', 'm']).parse().ok()?);
        let codes = || ALL.iter().map(|(code, _)| *code);
        Some((codes().filter(|code| *code < missing).max(), codes().filter(|code| *code > missing).min()))
    }

    /// A few words on what it is about.
    pub fn title(self) -> &'static str {
        ALL.iter().find(|(code, _)| *code == self).map_or("", |(_, title)| title)
    }

    /// The long form, in Markdown.
    pub fn explanation(self) -> Option<&'static str> {
        let heading = format!("## {self} ");
        let text = include_str!("codes.md");
        let start = text.find(&heading)?;
        let body = text.get(start..)?;
        let end = body.get(3..)?.find("\n## ").map_or(body.len(), |at| at + 4);
        body.get(..end)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{:04}", self.0)
    }
}

macro_rules! codes {
    ($($name:ident = $number:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code($number);)*

        /// Every code with its title, in order.
        pub const ALL: &[(Code, &str)] = &[$((Code($number), $title)),*];
    };
}

codes! {
    // Text → tree → typed spec.
    YAML_SYNTAX = 1, "not YAML";
    UNKNOWN_KEY = 2, "unknown key";
    WRONG_TYPE = 3, "wrong type of value";
    MISSING_KEY = 4, "missing key";
    INVALID_VALUE = 5, "invalid value";
    UNKNOWN_WORD = 6, "unknown word";
    DUPLICATE_KEY = 7, "duplicate key";
    YAML_TOO_LARGE = 8, "too large or too deep";
    UNREADABLE_FILE = 9, "file cannot be read";

    // The project: files, names, graph.
    NO_PROJECT = 20, "no project here";
    MISSING_ENV = 21, "environment variable not set";
    BAD_ENV_SYNTAX = 22, "malformed reference to the environment";
    KIND_MISSING = 23, "no kind";
    KIND_TWICE = 24, "more than one kind";
    DUPLICATE_TABLE = 25, "duplicate table";
    UNKNOWN_TABLE = 26, "unknown table";
    CYCLE = 27, "models depend on each other in a circle";
    BAD_LOCATION = 29, "bad location";
    BAD_SELECTOR = 30, "bad selector";
    BAD_TIME_ZONE = 31, "unknown time zone";
    BAD_VALUE_FOR_SETTING = 32, "setting out of range";
    NOTHING_THERE = 33, "nothing at this location";
    UNKNOWN_CURRENCY = 34, "unknown currency";

    // SQL.
    SQL_SYNTAX = 50, "SQL cannot be parsed";
    UNKNOWN_COLUMN = 51, "unknown column";
    AMBIGUOUS_COLUMN = 52, "ambiguous column";
    UNKNOWN_FUNCTION = 53, "unknown function";
    NOT_AGGREGATED = 54, "column neither grouped nor aggregated";
    SQL_TYPES = 55, "types do not fit";
    SQL_INVALID = 56, "SQL cannot be planned";
    NOT_ONE_SELECT = 57, "not one SELECT";
    VOLATILE_FUNCTION = 58, "result would differ from run to run";
    EXPRESSION_TYPE = 59, "expression has the wrong type";
    AGGREGATE_IN_ROW_EXPRESSION = 60, "aggregate where a value of one row is wanted";

    // Contracts, columns, checks.
    MISSING_SOURCE_COLUMN = 80, "extract lacks a column";
    RETYPED_SOURCE_COLUMN = 81, "extract has another type";
    WIDENED_SOURCE_COLUMN = 82, "extract has a wider type";
    UNDESCRIBED_COLUMN = 83, "column without a description";
    UNKNOWN_DESCRIBED_COLUMN = 84, "description of a column that is not there";
    BAD_GRAIN = 85, "grain names a column that is not there";
    UNSUPPORTED_TYPE = 86, "type that cannot be published";
    BAD_COLUMN_NAME = 87, "column name that readers refuse";
    CHECK_UNKNOWN_COLUMN = 88, "check on a column that is not there";
    BAD_CHECK = 89, "check that cannot be computed";
    UNCLASSIFIED_PII = 90, "personal data without a class";
    BAD_SEED = 91, "seed cannot be read";
    NULLABLE_KEY = 92, "key that may be NULL";
    NULLS_IN_SOURCE_COLUMN = 93, "extract has NULL where none is declared";
    STALE_SOURCE = 94, "extract is older than its contract allows";

    // The kind `source_mapping`.
    UNREACHABLE_RULE = 120, "rule that can never fire";
    DUPLICATE_RULE = 121, "rule id used twice";
    EMPTY_RULE = 122, "rule without a condition";
    BAD_REGEX = 123, "regular expression cannot be read";
    UNKNOWN_RULE_SET = 124, "unknown rule set";
    BAD_CLICK_ID = 125, "unknown click id";
    BAD_SYNONYM = 126, "synonym that leads in a circle";
    UNUSED_RULE = 127, "rule that never fired";
    BAD_LOOKUP = 128, "lookup that cannot be made";

    // The kind `lifecycle`.
    UNKNOWN_STAGE = 150, "stage that is not declared";
    DUPLICATE_STAGE = 151, "stage declared twice";
    IMPOSSIBLE_STAGE_ORDER = 152, "stage order that cannot be";
    UNMAPPED_STAGE = 153, "stage that no value leads to";
    DUPLICATE_SOURCE_NAME = 154, "change source named twice";
    OVERLAPPING_VERSIONS = 155, "definition versions that overlap";
    UNREACHABLE_VALUE = 156, "stage value that is never reached";
    REJECTED_CHANGES = 157, "changes that were rejected";
    UNUSED_STAGE = 158, "stage that nothing was in";
    POLICY_TOUCHES_MANY = 159, "policy that touched many visits";

    // The kind `dedupe`.
    UNKNOWN_FIELD = 180, "field that no record has";
    UNKNOWN_SYSTEM = 181, "system that no record is of";
    DUPLICATE_MATCH_RULE = 182, "match rule named twice";
    RESERVED_FIELD = 183, "field named like a column of the model";
    BAD_COMPARISON = 184, "comparison that cannot be made";
    UNKNOWN_RECORDS = 185, "records named that are not there";
    TAKEN_APART = 186, "clusters too large to be one";
    UNREADABLE_VALUES = 187, "values that cannot be compared";

    // The kind `velocity`.
    NOT_A_LIFECYCLE = 210, "table that is not a lifecycle's";
    IMPOSSIBLE_PAIR = 211, "pair of stages that cannot be";
    BAD_QUANTILE = 212, "quantile that cannot be";
    BAD_HORIZON = 213, "horizon that cannot be";
    BAD_CALENDAR = 214, "calendar that cannot be";
    BAD_TARGET = 215, "target that cannot be measured";
    SEGMENT_NAME_TAKEN = 216, "segment with a name that is taken";

    // The kind `attribution`.
    UNKNOWN_MODEL = 240, "attribution model that is not known";
    DUPLICATE_MODEL = 241, "attribution model named twice";
    UNKNOWN_PLACE = 242, "place in a journey that is not known";
    SHARES_NOT_WHOLE = 243, "shares that do not make 100 %";
    IMPOSSIBLE_PLACE = 244, "place that no touch can hold";
    LONG_LOOKBACK = 245, "lookback longer than the data";
    UNREACHED_MILESTONE = 246, "milestone that no stage leads to";
    NOBODY_JOINED = 247, "touches and conversions that cannot meet";
    DUPLICATE_LEDGER_COLUMN = 248, "ledger column named twice";
    NOT_ADDITIVE = 249, "measure added up that does not add up";

    // What a run leaves out.
    TOO_COMMON = 250, "key too common to be compared by";

    // What a model learns from.
    FEW_JOURNEYS = 251, "too few journeys to learn from";

    // The kind `account_matching`.
    TIER_WITHOUT_FIELD = 270, "tier that compares what is not declared";
    TIER_TWICE = 271, "tier named twice";
    BAD_SIMILARITY = 272, "similarity that cannot be asked for";
    NO_TIER = 273, "nothing to match leads by";
    HIDDEN_TIER = 274, "tier that an earlier one leaves nothing";
    COMMON_KEYS = 275, "keys that too many accounts share";
    UNUSED_TIER = 276, "tier that found no account";
    UNUSABLE_ALIASES = 277, "aliases that are not followed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_once_and_in_order() {
        let mut last = 0;
        for (code, title) in ALL {
            assert!(code.0 > last, "{code} is out of order");
            last = code.0;
            let text = code.explanation().unwrap_or_else(|| panic!("{code} is not in codes.md"));
            assert!(text.starts_with(&format!("## {code} {title}\n")), "{text}");
            assert!(text.len() > 120, "{code} is explained in too few words");
        }
        let sections = include_str!("codes.md").matches("\n## M").count();
        assert_eq!(sections, ALL.len());
    }

    #[test]
    fn reads_codes_as_people_write_them() {
        assert_eq!(Code::parse("M0002"), Some(UNKNOWN_KEY));
        assert_eq!(Code::parse("m2"), Some(UNKNOWN_KEY));
        assert_eq!(Code::parse("M9999"), None);
        assert_eq!(Code::parse("x"), None);
    }
}
