//! Matching against its definitions, its naive twins, and data whose truth is known.

mod blocking;
mod em;
mod forms;
mod model;
mod nasty;
mod real;
mod related;
mod score;
mod similar;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::blocking::{BlockRule, Blocks};
use super::*;

/// Records of these fields; an empty text is a missing value.
fn records(fields: &[(&str, FieldKind)], rows: &[Vec<String>]) -> Records {
    let mut records = Records::new(rows.len()).unwrap();
    for (at, (name, kind)) in fields.iter().enumerate() {
        let values: Vec<Option<&str>> =
            rows.iter().map(|row| Some(row[at].as_str()).filter(|text| !text.is_empty())).collect();
        records.add(name, *kind, values.iter().copied(), Some(nickname)).unwrap();
    }
    records
}

fn nickname(name: &str) -> Option<String> {
    [("bob", "robert"), ("rob", "robert"), ("bill", "william")]
        .iter()
        .find(|(short, _)| *short == name)
        .map(|(_, long)| long.to_string())
}

fn rows(lines: &[&str]) -> Vec<Vec<String>> {
    lines.iter().map(|line| line.split('|').map(|cell| cell.trim().to_string()).collect()).collect()
}

fn blocks(records: &Records, rules: &[&str], cap: u32) -> Vec<Blocks> {
    rules.iter().map(|rule| Blocks::build(&rule.parse::<BlockRule>().unwrap(), records, cap).unwrap()).collect()
}

const PEOPLE: [(&str, FieldKind); 5] = [
    ("first_name", FieldKind::GivenName),
    ("last_name", FieldKind::FamilyName),
    ("email", FieldKind::Email),
    ("born", FieldKind::Date),
    ("city", FieldKind::City),
];

/// `persons` made-up people of one to four records each, with typos, swaps and gaps; and who is who.
fn made_up(seed: u64, persons: usize) -> (Vec<Vec<String>>, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for person in 0..persons {
        let given = ["robert", "ann", "maría", "wei", "william", "sofia", "ole", "fatima"][random.random_range(0..8)];
        let family: String =
            (0..3).map(|_| ["ber", "son", "kat", "ley", "mor", "tin"][random.random_range(0..6)]).collect();
        let email =
            format!("{}{}@mail{}.com", &family[..4], random.random_range(10_000..99_999), random.random_range(0..20));
        let born = format!(
            "19{:02}-{:02}-{:02}",
            random.random_range(40..99),
            random.random_range(1..13),
            random.random_range(1..29)
        );
        let city = ["Leeds", "Hull", "London", "York"][random.random_range(0..4)];
        for _ in 0..random.random_range(1..5) {
            let mut row: Vec<String> =
                [given, family.as_str(), email.as_str(), born.as_str(), city].map(str::to_string).into();
            if random.random_range(0..8) == 0 {
                row.swap(0, 1);
            }
            for cell in &mut row {
                match random.random_range(0..12) {
                    0 => cell.clear(),
                    1 | 2 => typo(&mut random, cell),
                    _ => {}
                }
            }
            rows.push(row);
            truth.push(person);
        }
    }
    (rows, truth)
}

fn typo(random: &mut ChaCha8Rng, cell: &mut String) {
    let mut letters: Vec<char> = cell.chars().collect();
    if letters.len() < 2 {
        return;
    }
    let at = random.random_range(0..letters.len() - 1);
    match random.random_range(0..4) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, 'x'),
        _ => letters[at] = 'q',
    }
    *cell = letters.into_iter().collect();
}
