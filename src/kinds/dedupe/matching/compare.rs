//! Two records → the level of each field.

use super::kind::FieldKind;
use super::level::Test;
use super::records::{Column, NULL, Records};
use super::similar::{Text, edits_up_to, jaro_winkler_from, shared_words};

/// The levels of a pair, four bits a field, the first field lowest: 0 where a value is missing,
/// else the place of the level counted from 1.
pub type Pattern = u128;

/// Bits of a field in a [`Pattern`].
const BITS: usize = 4;
/// The most fields that a model can have.
pub const MAX_FIELDS: usize = 128 / BITS;
/// The most levels that a field can have.
pub const MAX_LEVELS: usize = (1 << BITS) - 1;

/// The level of a field in a pattern.
pub fn level_in(pattern: Pattern, field: usize) -> usize {
    (pattern >> (field * BITS) & MAX_LEVELS as u128) as usize
}

/// Puts the level of a field into a pattern that has none there.
pub fn with_level(pattern: Pattern, field: usize, level: usize) -> Pattern {
    pattern | (level as u128) << (field * BITS)
}

/// Names of at least this Jaro–Winkler similarity are all but equal.
const NEAR: f64 = 0.92;

/// How one field is compared.
#[derive(Debug)]
pub struct Comparison<'r> {
    column: &'r Column,
    tests: Vec<Test>,
    /// The lowest Jaro–Winkler similarity, the most edits and the least alikeness that any condition asks for.
    floor: f64,
    most_edits: u32,
    least_alike: f64,
    /// The given and the family name, where the records have one of each.
    halves: Option<(&'r Column, &'r Column)>,
    /// Every field that holds a person's name or a part of it.
    names: Vec<&'r Column>,
    /// Whether another field is asked if given and family name are swapped.
    leaves_swaps: bool,
}

/// How several fields are compared, by columns of `records` and their tests. Names that are swapped are one finding and
/// not two: it is left to the given name, and of such a pair the family name counts as missing.
pub fn comparisons<'r>(records: &'r Records, fields: &[(&'r Column, &[Test])]) -> Vec<Comparison<'r>> {
    let asks =
        |(column, tests): &(&Column, &[Test])| column.kind == FieldKind::GivenName && tests.contains(&Test::Swapped);
    let asked = fields.iter().any(asks);
    let comparison = |(column, tests): &(&'r Column, &[Test])| {
        let leaves_swaps = asked && column.kind == FieldKind::FamilyName;
        Comparison { leaves_swaps, ..Comparison::new(records, column, tests) }
    };
    fields.iter().map(comparison).collect()
}

/// What has been worked out of two values so far.
struct Pair<'r> {
    codes: (u32, u32),
    a: Text<'r>,
    b: Text<'r>,
    winkler: Option<f64>,
    edits: Option<Option<u32>>,
}

impl<'r> Comparison<'r> {
    /// Compares `column` of `records` by `tests`, in their order.
    pub fn new(records: &'r Records, column: &'r Column, tests: &[Test]) -> Self {
        let floor = tests.iter().filter_map(|test| match test {
            Test::JaroWinkler(floor) => Some(*floor),
            _ => None,
        });
        let alike = tests.iter().filter_map(|test| match test {
            Test::Alike(least) => Some(*least),
            _ => None,
        });
        let most = tests.iter().filter_map(|test| match test {
            Test::Edits(most) => Some(*most),
            _ => None,
        });
        Self {
            column,
            tests: tests.to_vec(),
            floor: floor.fold(1.0, f64::min),
            most_edits: most.max().unwrap_or(0),
            least_alike: alike.fold(1.0, f64::min),
            halves: halves(records),
            names: records.columns().iter().filter(|column| column.kind.is_name()).collect(),
            leaves_swaps: false,
        }
    }

    /// The level of a pair of records, as in a [`Pattern`].
    ///
    /// An e-mail address that is made of its record's own names repeats what the names say, and two
    /// people of one name must not pass for one by having that name twice over. So between two such
    /// addresses, the same part before the `@` counts as missing, and a part that is only alike as
    /// different.
    pub fn level(&self, a: u32, b: u32) -> usize {
        let codes = (self.column.code_of(a), self.column.code_of(b));
        if codes.0 == NULL || codes.1 == NULL {
            return 0;
        }
        if codes.0 == codes.1 && self.tests.first() == Some(&Test::Exact) {
            return 1;
        }
        let (Some(left), Some(right)) = (self.column.text(codes.0), self.column.text(codes.1)) else { return 0 };
        let mut pair = Pair { codes, a: left, b: right, winkler: None, edits: None };
        let holds = |test: &Test| self.holds(*test, &mut pair, a, b);
        match self.tests.iter().position(holds) {
            Some(place)
                if self.tests.get(place).is_some_and(|test| test.is_of_local_part()) && self.says_the_names(a, b) =>
            {
                let same = self.tests.get(place) == Some(&Test::SameLocalPart);
                if same { 0 } else { self.tests.len() }
            }
            Some(place) if self.leaves_swaps && !self.is_near(place) && self.is_swapped(a, b) => 0,
            found => found.map_or(0, |place| place + 1),
        }
    }

    /// Whether a test finds values all but equal.
    fn is_near(&self, place: usize) -> bool {
        matches!(self.tests.get(place), Some(Test::Exact | Test::JaroWinkler(NEAR..)))
    }

    /// Whether given and family name of two records are swapped.
    fn is_swapped(&self, a: u32, b: u32) -> bool {
        self.halves.is_some_and(|(given, family)| swapped(given, family, a, b))
    }

    /// Whether the e-mail addresses of both records are made of the records' own names.
    fn says_the_names(&self, a: u32, b: u32) -> bool {
        let says = |record: u32| {
            let local = self.column.of(record).and_then(|email| email.split('@').next()).unwrap_or_default();
            let words = self.names.iter().filter_map(|column| column.of(record)).flat_map(|name| name.split(' '));
            words.into_iter().any(|word| word.len() >= 3 && local.contains(word))
        };
        says(a) && says(b)
    }

    /// The edits between two values, as far as any condition cares.
    fn edits(&self, pair: &mut Pair<'_>) -> Option<u32> {
        if pair.edits.is_none() {
            let most = self.most_edits.max(unlike(pair.a, pair.b, self.least_alike));
            pair.edits = Some(edits_up_to(pair.a, pair.b, most));
        }
        pair.edits.flatten()
    }

    fn holds(&self, test: Test, pair: &mut Pair<'_>, a: u32, b: u32) -> bool {
        let (left, right) = (pair.a.text, pair.b.text);
        match test {
            Test::Exact => pair.codes.0 == pair.codes.1,
            Test::Nickname => self.column.one_class(pair.codes.0, pair.codes.1),
            Test::JaroWinkler(least) => {
                *pair.winkler.get_or_insert_with(|| jaro_winkler_from(pair.a, pair.b, self.floor)) >= least
            }
            Test::Edits(most) => self.edits(pair).is_some_and(|edits| edits <= most),
            Test::Alike(least) => self.edits(pair).is_some_and(|edits| edits <= unlike(pair.a, pair.b, least)),
            Test::Words(least) => shared_words(left, right) + 1e-9 >= least,
            Test::Start(least) => is_start(left, right, least) || is_start(right, left, least),
            Test::SameDigits => same_digits(left, right),
            Test::LocalPartAlike(least) => match (local_part(left), local_part(right)) {
                (Some(x), Some(y)) => {
                    let (x, y) = (Text::new(x), Text::new(y));
                    edits_up_to(x, y, unlike(x, y, least)).is_some()
                }
                _ => false,
            },
            Test::SameLocalPart => local_part(left).is_some_and(|part| local_part(right) == Some(part)),
            Test::SameEnd(count) => end(left, count).is_some_and(|value| end(right, count) == Some(value)),
            Test::SameStart(count) => {
                left.get(..count as usize).is_some_and(|start| right.get(..count as usize) == Some(start))
            }
            Test::DayMonthSwapped => super::dates::common_parts(left, right).1,
            Test::TwoParts => super::dates::common_parts(left, right).0 >= 2,
            Test::WithinDays(most) => match (self.column.day(pair.codes.0), self.column.day(pair.codes.1)) {
                (Some(x), Some(y)) => x.abs_diff(y) <= most,
                _ => false,
            },
            Test::Swapped => self.is_swapped(a, b),
            Test::Else => true,
        }
    }
}

/// How many edits of the longer text leave this share of it alike.
fn unlike(a: Text<'_>, b: Text<'_>, least: f64) -> u32 {
    // A hair is added, so that a whole number of edits is not lost to rounding.
    ((1.0 - least) * a.length().max(b.length()) as f64 + 1e-9) as u32
}

/// The given and the family name, where the records have one of each.
fn halves(records: &Records) -> Option<(&Column, &Column)> {
    let find = |kind: FieldKind| records.columns().iter().find(|column| column.kind == kind);
    Some((find(FieldKind::GivenName)?, find(FieldKind::FamilyName)?))
}

/// Whether one record's given name is the other's family name, and the other way round where both are there.
fn swapped(given: &Column, family: &Column, a: u32, b: u32) -> bool {
    let crossed = |x: u32, y: u32| Some(close(given.text(given.code_of(x))?, family.text(family.code_of(y))?));
    match (crossed(a, b), crossed(b, a)) {
        (Some(one), Some(other)) => one && other,
        (one, other) => one.or(other).unwrap_or(false),
    }
}

fn close(a: Text<'_>, b: Text<'_>) -> bool {
    a.text == b.text || (a.text.len() >= 4 && b.text.len() >= 4 && jaro_winkler_from(a, b, NEAR) >= NEAR)
}

fn end(text: &str, count: u32) -> Option<&str> {
    text.get(text.len().checked_sub(count as usize)?..)
}

fn is_start(short: &str, long: &str, least: u32) -> bool {
    short.len() < long.len() && short.chars().nth(least.saturating_sub(1) as usize).is_some() && long.starts_with(short)
}

/// Of e-mail addresses only what stands before the `@` counts: colleagues share the digits of their domain.
fn same_digits(a: &str, b: &str) -> bool {
    let (mut x, mut y) = (digits(a), digits(b));
    let mut same = 0;
    loop {
        match (x.next(), y.next()) {
            (None, None) => return same >= 5,
            (one, other) if one != other => return false,
            _ => same += 1,
        }
    }
}

/// The digits of a value, without those of an e-mail address's domain.
pub fn digits(value: &str) -> impl Iterator<Item = char> + '_ {
    value.chars().take_while(|c| *c != '@').filter(char::is_ascii_digit)
}

/// What stands before the `@` of an e-mail address, when that is long enough to mean something.
pub fn local_part(email: &str) -> Option<&str> {
    email.rsplit_once('@').map(|(local, _)| local).filter(|local| local.len() >= 4)
}
