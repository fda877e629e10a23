//! `manifest.json`: what was written, and which dirt is in it.

use serde::{Deserialize, Serialize};

use super::clock::{AS_OF, START, iso};
use super::dirt::{ALL, Tally};
use super::part::Money;
use super::writer::FileFact;

/// What a sample holds. Equal options give an equal manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The fictional company.
    pub company: String,
    /// The seed it was made with.
    pub seed: u64,
    /// How many people it was made for.
    pub people: u64,
    /// The first instant of the sample.
    pub from: String,
    /// The data-as-of instant: nothing happened later.
    pub as_of: String,
    /// Its tables.
    pub tables: Vec<TableEntry>,
    /// The dirt in them.
    pub dirt: Vec<DirtEntry>,
    /// Sums of money by currency, of rows that are not deleted.
    pub money: Vec<MoneyEntry>,
}

/// One table: the files `<system>/<table>/part-*.parquet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// The system that it is an extract of.
    pub system: String,
    /// Its name there.
    pub table: String,
    /// How many files it has.
    pub files: u64,
    /// Rows in all files.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// BLAKE3 over the BLAKE3 digests of the files' bytes, in order of part number; in hexadecimal.
    pub digest: String,
}

/// One kind of dirt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirtEntry {
    /// Its name.
    pub name: String,
    /// The declared chance, of what `meaning` says; 0 where it follows from other dirt or is not
    /// drawn by chance.
    pub rate: f64,
    /// How many there are in the files.
    pub count: u64,
    /// What is counted.
    pub meaning: String,
}

/// A sum of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyEntry {
    /// `won`, `lost` and `open` opportunities, or the spend on a platform.
    pub measure: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Rows with an amount.
    pub rows: u64,
    /// Their sum, with two decimal places.
    pub amount: String,
}

impl Manifest {
    /// Sums up; the facts of one table must be in order of part number.
    pub(super) fn new(seed: u64, people: u64, facts: &[FileFact], tally: &Tally, money: &Money) -> Self {
        Self {
            company: "Tidewright".to_owned(),
            seed,
            people,
            from: iso(START),
            as_of: iso(AS_OF),
            tables: tables(facts),
            dirt: ALL
                .iter()
                .map(|dirt| {
                    let fact = dirt.fact();
                    DirtEntry {
                        name: fact.name.to_owned(),
                        rate: fact.rate,
                        count: tally.of(*dirt),
                        meaning: fact.meaning.to_owned(),
                    }
                })
                .collect(),
            money: money
                .iter()
                .map(|((measure, currency), (rows, cents))| MoneyEntry {
                    measure: (*measure).to_owned(),
                    currency: (*currency).to_owned(),
                    rows: *rows,
                    amount: format!("{}.{:02}", cents / 100, cents % 100),
                })
                .collect(),
        }
    }

    /// Rows of a table; none if there is no such table.
    pub fn rows(&self, system: &str, table: &str) -> Option<u64> {
        self.tables.iter().find(|entry| entry.system == system && entry.table == table).map(|entry| entry.rows)
    }

    /// How often a kind of dirt was written; none if there is no such kind.
    pub fn dirt_count(&self, name: &str) -> Option<u64> {
        self.dirt.iter().find(|entry| entry.name == name).map(|entry| entry.count)
    }
}

fn tables(facts: &[FileFact]) -> Vec<TableEntry> {
    let mut order: Vec<&FileFact> = facts.iter().collect();
    // Stable: parts of one table stay in their order.
    order.sort_by_key(|fact| (fact.system, fact.table));
    order
        .chunk_by(|a, b| (a.system, a.table) == (b.system, b.table))
        .filter_map(|files| {
            let first = files.first()?;
            let mut hasher = blake3::Hasher::new();
            files.iter().for_each(|file| {
                hasher.update(&file.digest);
            });
            Some(TableEntry {
                system: first.system.to_owned(),
                table: first.table.to_owned(),
                files: files.len() as u64,
                rows: files.iter().map(|file| file.rows).sum(),
                bytes: files.iter().map(|file| file.bytes).sum(),
                digest: hasher.finalize().to_hex().to_string(),
            })
        })
        .collect()
}
