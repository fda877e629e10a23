//! What the assignment of ids reads and what it hands on to the next run.

use uuid::Uuid;

use crate::error::{Error, Result};

/// The records of a run, by ordinal: `0..len` in the byte order of their keys, each key once.
pub trait Records {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key of a record, `<system>:<id>`.
    fn key(&self, ordinal: u32) -> &str;

    /// When the record was created, in microseconds, where that is known.
    fn first_seen(&self, ordinal: u32) -> Option<i64>;
}

/// What orders records by age: those that say when they were created first, the earliest of them
/// first, then by key.
pub(super) fn seniority(records: &dyn Records, ordinal: u32) -> (bool, i64, u32) {
    let first_seen = records.first_seen(ordinal);
    (first_seen.is_none(), first_seen.unwrap_or_default(), ordinal)
}

/// The id that a record was last published under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrosswalkRow {
    /// The id of its cluster.
    pub id: Uuid,
    /// Whether the id holds on to this record; true for one record of each id.
    pub anchor: bool,
    /// Since when the record is under this id, in microseconds.
    pub since: i64,
    /// Since when the id is there, in microseconds; the same in all rows of an id.
    pub id_since: i64,
}

/// The crosswalk as last published, in any order.
pub trait Crosswalk {
    /// How many records it has.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of its rows.
    fn row(&self, at: usize) -> CrosswalkRow;

    /// Shows the key of every row's record, in the order of the rows. They are asked for once: keys are most of what a
    /// crosswalk holds, and may lie on disk.
    ///
    /// # Errors
    /// Data, where a row has no record; world, where keys cannot be read.
    fn keys(&self, see: &mut dyn FnMut(&str)) -> Result<()>;
}

/// How an id came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Another id lives on in its place. Such an id never comes back.
    Merged,
    /// All its records are gone. It comes back with its anchor, if that comes to a cluster that has
    /// no id of its own.
    Retired,
}

impl End {
    /// The word for it in the table of redirects.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Retired => "retired",
        }
    }

    /// The end that has this word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Merged, Self::Retired].into_iter().find(|end| end.as_str() == word)
    }
}

/// Where an id leads that was published once and is not in the crosswalk now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The id.
    pub id: Uuid,
    /// The living id it leads to, never another redirect; `None` while no record of it is left.
    pub target: Option<Uuid>,
    /// The key of the record it holds on to.
    pub anchor: String,
    /// How it came to its end.
    pub end: End,
    /// Since when the id was there, in microseconds.
    pub id_since: i64,
    /// Since when it leads there, in microseconds.
    pub since: i64,
}

/// What the last run published: the crosswalk and the redirects of this very model.
#[derive(Clone, Copy)]
pub struct Published<'a> {
    /// Every record with its id.
    pub crosswalk: &'a dyn Crosswalk,
    /// Every id that is not in the crosswalk, in any order.
    pub redirects: &'a [Redirect],
}

/// What was published last cannot be what a run of the model published.
pub fn broken(what: &str) -> Error {
    Error::data(format!("the crosswalk as last published {what}"))
        .with_hint("ids can only be kept from the tables that a run of this model published")
}
