//! Block rules: how they are written, and the key they make of a value.

use std::fmt;
use std::str::FromStr;

use super::super::compare::{digits, local_part};
use super::super::records::{Column, NULL, Records};
use crate::error::{Error, Result};

/// Records that agree on all parts are compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlockRule {
    /// What has to agree.
    pub parts: Vec<Part>,
}

/// One part of a block key: something of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// What is taken of the value.
    pub how: How,
    /// The field; for [`How::Either`] two fields, joined by a comma.
    pub field: String,
}

/// What is taken of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// The whole value.
    Exact,
    /// Its first so many characters, or all where there are fewer.
    First(u32),
    /// Its last so many characters; nothing where there are fewer.
    Last(u32),
    /// How it sounds ([`soundex`]).
    Soundex,
    /// The part of an e-mail address before the `@`.
    LocalPart,
    /// The part of an e-mail address after the `@`.
    Domain,
    /// Its digits, at least five; of an e-mail address those before the `@`.
    Digits,
    /// Its letters in alphabetical order: typed in any order.
    Letters,
    /// The values of two fields in either order, such as swapped names.
    Either,
}

impl BlockRule {
    /// The rule of these parts.
    pub fn new(parts: impl IntoIterator<Item = (How, String)>) -> Self {
        Self { parts: parts.into_iter().map(|(how, field)| Part { how, field }).collect() }
    }

    /// Each record's key, 0 where a part is missing; an error for a field that the records lack.
    pub fn keys(&self, records: &Records) -> Result<Vec<u64>> {
        let mut keys = vec![SEED; records.len()];
        for part in &self.parts {
            for (key, own) in keys.iter_mut().zip(part.keys(records)?) {
                *key = if *key == 0 || own == 0 { 0 } else { mix(*key ^ own.rotate_left(17)).max(1) };
            }
        }
        Ok(keys)
    }

    /// The fields that the rule reads.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| part.field.split(','))
    }

    /// Whether all records that agree by `finer` agree by this rule too, as far as the rules show.
    pub fn includes(&self, finer: &Self) -> bool {
        self.parts.iter().all(|part| finer.parts.iter().any(|own| own.field == part.field && own.how.implies(part.how)))
    }

    /// The key of a record as texts, one for each part.
    pub fn describe(&self, records: &Records, record: u32) -> Vec<String> {
        let value = |field: &str| {
            records.position(field).and_then(|at| records.columns().get(at)).and_then(|column| column.of(record))
        };
        let mut texts = Vec::new();
        for part in &self.parts {
            let mut both: Vec<&str> = part.field.split(',').filter_map(value).collect();
            both.sort_unstable();
            let mut taken = String::new();
            part.how.take(&both.join(" "), &mut taken);
            texts.push(taken);
        }
        texts
    }
}

impl Part {
    fn keys(&self, records: &Records) -> Result<Vec<u64>> {
        if self.how != How::Either {
            return Ok(self.column_keys(self.column(records, &self.field)?));
        }
        let (first, second) = self.field.split_once(',').unwrap_or((&self.field, ""));
        let both = |field: &str| self.column(records, field).map(|column| self.column_keys(column));
        let (first, second) = (both(first)?, both(second)?);
        let either = |(x, y): (u64, u64)| if x == 0 || y == 0 { 0 } else { mix(x.min(y) ^ mix(x.max(y))).max(1) };
        Ok(first.into_iter().zip(second).map(either).collect())
    }

    fn column<'r>(&self, records: &'r Records, field: &str) -> Result<&'r Column> {
        records.position(field).and_then(|at| records.columns().get(at)).ok_or_else(|| {
            Error::project(format!("block key `{self}` names a field `{field}` that is not there"))
                .with_hint("a block key is made of fields that records are matched on")
        })
    }

    fn column_keys(&self, column: &Column) -> Vec<u64> {
        let mut taken = String::new();
        let mut hash_of = |code: u32| {
            taken.clear();
            self.how.take(column.value(code).unwrap_or_default(), &mut taken);
            hash(&taken)
        };
        let by_code: Vec<u64> = (0..column.distinct() as u32).map(&mut hash_of).collect();
        let key = |code: &u32| if *code == NULL { 0 } else { by_code.get(*code as usize).copied().unwrap_or(0) };
        column.codes.iter().map(key).collect()
    }
}

impl How {
    /// Whether values that agree by this agree by `coarser`. A short value has no end or local part
    /// to agree by, which is why those do not follow from equality.
    fn implies(self, coarser: Self) -> bool {
        match (self, coarser) {
            (one, other) if one == other => true,
            (Self::Exact, Self::First(_) | Self::Soundex | Self::Letters | Self::Domain) => true,
            (Self::First(more), Self::First(fewer)) | (Self::Last(more), Self::Last(fewer)) => more >= fewer,
            _ => false,
        }
    }

    /// Writes what is taken of `value` into `out`; nothing where the value does not have it.
    fn take(self, value: &str, out: &mut String) {
        match self {
            Self::Exact | Self::Either => out.push_str(value),
            Self::First(count) => out.extend(value.chars().take(count as usize)),
            Self::Last(count) => {
                let from = value.chars().count().checked_sub(count as usize);
                out.extend(from.into_iter().flat_map(|from| value.chars().skip(from)));
            }
            Self::Soundex => soundex(value, out),
            Self::LocalPart => out.push_str(local_part(value).unwrap_or_default()),
            Self::Domain => out.push_str(value.rsplit_once('@').map_or("", |(_, domain)| domain)),
            Self::Digits => {
                out.extend(digits(value));
                if out.len() < 5 {
                    out.clear();
                }
            }
            Self::Letters => {
                let mut letters: Vec<char> = value.chars().collect();
                letters.sort_unstable();
                out.extend(letters);
            }
        }
    }
}

/// American Soundex: the first letter and three digits for the sounds that follow. Letters beyond
/// `a` to `z` stand as they are, so that names in other scripts have a key too.
pub fn soundex(value: &str, out: &mut String) {
    let mut letters = value.chars().filter(|c| c.is_alphabetic());
    let Some(first) = letters.next() else { return };
    out.push(first);
    let mut last = sound(first);
    let mut length = 1;
    for c in letters {
        let now = sound(c);
        match now {
            Sound::Digit(digit) if now != last => out.push(digit),
            Sound::Other if !c.is_ascii() => out.push(c),
            // `h` and `w` do not part two letters of one sound; vowels do.
            Sound::Silent => continue,
            _ => {
                last = now;
                continue;
            }
        }
        last = now;
        length += 1;
        if length == 4 {
            return;
        }
    }
    out.extend(std::iter::repeat_n('0', 4 - length));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sound {
    Digit(char),
    Silent,
    Other,
}

fn sound(c: char) -> Sound {
    match c {
        'b' | 'f' | 'p' | 'v' => Sound::Digit('1'),
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => Sound::Digit('2'),
        'd' | 't' => Sound::Digit('3'),
        'l' => Sound::Digit('4'),
        'm' | 'n' => Sound::Digit('5'),
        'r' => Sound::Digit('6'),
        'h' | 'w' => Sound::Silent,
        _ => Sound::Other,
    }
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// FNV-1a with a finishing mix; the same on every machine. 0 stands for no key.
fn hash(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    mix(text.bytes().fold(0xCBF2_9CE4_8422_2325, fold)).max(1)
}

/// The finisher of SplitMix64.
pub(in super::super) fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match self.how {
            How::Exact => f.write_str(field),
            How::First(count) => write!(f, "first({count}, {field})"),
            How::Last(count) => write!(f, "last({count}, {field})"),
            How::Soundex => write!(f, "soundex({field})"),
            How::LocalPart => write!(f, "local_part({field})"),
            How::Domain => write!(f, "domain({field})"),
            How::Digits => write!(f, "digits({field})"),
            How::Letters => write!(f, "letters({field})"),
            How::Either => write!(f, "either({})", field.replace(',', ", ")),
        }
    }
}

impl fmt::Display for BlockRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.parts.iter().enumerate() {
            write!(f, "{}{part}", if place == 0 { "" } else { " + " })?;
        }
        Ok(())
    }
}

impl FromStr for BlockRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Result<Vec<Part>, String> = text.split('+').map(|part| part.trim().parse()).collect();
        Ok(Self { parts: parts? })
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((word, rest)) = text.split_once('(') else {
            return if text.is_empty() {
                Err("a block key has an empty part".into())
            } else {
                Ok(Self::plain(How::Exact, text))
            };
        };
        let inner = rest.strip_suffix(')').ok_or_else(|| format!("`{text}` lacks its `)`"))?;
        let counted = |make: fn(u32) -> How| {
            let (count, field) =
                inner.split_once(',').ok_or_else(|| format!("`{text}` lacks its number, as in `{word}(3, field)`"))?;
            let count = count.trim().parse::<u32>().ok().filter(|count| (1..=100).contains(count));
            let count = count.ok_or_else(|| format!("`{text}` takes a number from 1 to 100"))?;
            Ok(Self::plain(make(count), field))
        };
        match word.trim() {
            "first" => counted(How::First),
            "last" => counted(How::Last),
            "soundex" => Ok(Self::plain(How::Soundex, inner)),
            "local_part" => Ok(Self::plain(How::LocalPart, inner)),
            "domain" => Ok(Self::plain(How::Domain, inner)),
            "digits" => Ok(Self::plain(How::Digits, inner)),
            "letters" => Ok(Self::plain(How::Letters, inner)),
            "either" => match inner.split_once(',') {
                Some((one, other)) => Ok(Self { how: How::Either, field: format!("{},{}", one.trim(), other.trim()) }),
                None => Err(format!("`{text}` takes two fields")),
            },
            other => Err(format!(
                "`{other}` is nothing a block key can take of a field; there are first, last, soundex, local_part, domain, digits, letters, either"
            )),
        }
    }
}

impl Part {
    fn plain(how: How, field: &str) -> Self {
        Self { how, field: field.trim().to_string() }
    }
}
