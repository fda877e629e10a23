//! What can be found of two values of a field, from "equal" to "different".

use std::fmt;
use std::str::FromStr;

/// A condition on two values of one field. The first of a field's conditions that holds is the level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    /// Equal in normal form.
    Exact,
    /// Two forms of one given name.
    Nickname,
    /// Jaro–Winkler similarity of at least this.
    JaroWinkler(f64),
    /// At most so many edits.
    Edits(u32),
    /// At least this share of the longer value's characters is left unedited.
    Alike(f64),
    /// At least this share of words in common.
    Words(f64),
    /// One value is the start of the other, with at least so many characters.
    Start(u32),
    /// The digits in both are equal, at least five of them; of e-mail addresses those before the `@`.
    SameDigits,
    /// E-mail: the same before the `@`, at least four characters.
    SameLocalPart,
    /// E-mail: at least this share of the longer part before the `@` is left unedited.
    LocalPartAlike(f64),
    /// The last so many characters are equal.
    SameEnd(u32),
    /// The first so many characters are equal.
    SameStart(u32),
    /// Date: day and month are swapped.
    DayMonthSwapped,
    /// Date: two of year, month and day are equal.
    TwoParts,
    /// Date: at most so many days apart.
    WithinDays(u32),
    /// Given and family name are swapped.
    Swapped,
    /// Whatever no condition before it caught.
    Else,
}

/// What a condition's text has as its parameter.
enum Parameter {
    None(Test),
    Share(fn(f64) -> Test),
    Count(fn(u32) -> Test),
}

/// Every condition with its word, for reading.
const WORDS: [(&str, Parameter); 17] = [
    ("exact", Parameter::None(Test::Exact)),
    ("nickname", Parameter::None(Test::Nickname)),
    ("jaro_winkler", Parameter::Share(Test::JaroWinkler)),
    ("edits", Parameter::Count(Test::Edits)),
    ("alike", Parameter::Share(Test::Alike)),
    ("words", Parameter::Share(Test::Words)),
    ("start_of_other", Parameter::Count(Test::Start)),
    ("same_digits", Parameter::None(Test::SameDigits)),
    ("same_local_part", Parameter::None(Test::SameLocalPart)),
    ("local_part_alike", Parameter::Share(Test::LocalPartAlike)),
    ("same_end", Parameter::Count(Test::SameEnd)),
    ("same_start", Parameter::Count(Test::SameStart)),
    ("day_month_swapped", Parameter::None(Test::DayMonthSwapped)),
    ("two_parts", Parameter::None(Test::TwoParts)),
    ("within_days", Parameter::Count(Test::WithinDays)),
    ("names_swapped", Parameter::None(Test::Swapped)),
    ("else", Parameter::None(Test::Else)),
];

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Nickname => f.write_str("nickname"),
            Self::JaroWinkler(share) => write!(f, "jaro_winkler {share}"),
            Self::Edits(count) => write!(f, "edits {count}"),
            Self::Alike(share) => write!(f, "alike {share}"),
            Self::Words(share) => write!(f, "words {share}"),
            Self::Start(count) => write!(f, "start_of_other {count}"),
            Self::SameDigits => f.write_str("same_digits"),
            Self::SameLocalPart => f.write_str("same_local_part"),
            Self::LocalPartAlike(share) => write!(f, "local_part_alike {share}"),
            Self::SameEnd(count) => write!(f, "same_end {count}"),
            Self::SameStart(count) => write!(f, "same_start {count}"),
            Self::DayMonthSwapped => f.write_str("day_month_swapped"),
            Self::TwoParts => f.write_str("two_parts"),
            Self::WithinDays(count) => write!(f, "within_days {count}"),
            Self::Swapped => f.write_str("names_swapped"),
            Self::Else => f.write_str("else"),
        }
    }
}

impl FromStr for Test {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let Some((_, parameter)) = WORDS.iter().find(|(known, _)| *known == word) else {
            let known: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            return Err(format!("`{word}` is no comparison; there are {}", known.join(", ")));
        };
        match parameter {
            Parameter::None(test) if rest.is_empty() => Ok(*test),
            Parameter::None(_) => Err(format!("`{word}` takes nothing after it, not `{rest}`")),
            Parameter::Share(make) => match rest.parse::<f64>() {
                Ok(share) if (0.0..=1.0).contains(&share) => Ok(make(share)),
                _ => Err(format!("`{word}` takes a number from 0 to 1, not `{rest}`")),
            },
            Parameter::Count(make) => match rest.parse::<u32>() {
                Ok(count) if count <= 10_000 => Ok(make(count)),
                _ => Err(format!("`{word}` takes a whole number up to 10000, not `{rest}`")),
            },
        }
    }
}

impl Test {
    /// Whether the condition speaks of the part of an e-mail address before the `@` alone.
    pub fn is_of_local_part(self) -> bool {
        matches!(self, Self::SameLocalPart | Self::LocalPartAlike(_))
    }

    /// Whether the condition is one step of a scale from equal to different, so that a later step
    /// can never be better evidence than an earlier one.
    pub fn is_graded(self) -> bool {
        !matches!(
            self,
            Self::Nickname
                | Self::Swapped
                | Self::Start(_)
                | Self::SameDigits
                | Self::SameLocalPart
                | Self::DayMonthSwapped
        )
    }
}
