//! Staging and publication: tables go out whole, together, and once.
//!
//! ```text
//! open: lock, recover, mark → stage … → Staged → Checked → publish: journal, DECIDE, commit …, record → close
//! ```
//!
//! Until a run decides, nothing of it is visible and the next run withdraws it; from then on the
//! next run finishes it. The decision is one conditional put. `docs/design/0002-publication.md` argues why each
//! step stands where it does.

mod bounds;
mod chain;
mod clean;
mod codec;
mod commit;
mod conform;
mod delta;
mod delta_log;
mod digest;
mod hybrid;
mod journal;
mod lock;
mod manifest;
mod objects;
mod owner;
mod page;
mod pieces;
mod publication;
mod read;
mod recover;
mod release;
mod root;
mod stage;
mod stats;
mod steps;
mod sweep;
mod table_file;
mod text_column;
mod words;

pub use chain::{Checked, OnRefusal, Published, Staged, Verdict};
pub use clean::Cleaned;
pub use codec::Codec;
pub use digest::{Content, ContentHasher};
pub use lock::LEASE;
pub use manifest::{Manifest, ManifestFile};
pub use owner::Owner;
pub use publication::Publication;
pub use read::{PublishedTable, published_tables};
pub use recover::Recovered;
pub use release::{
    Change, ColumnRecord, ColumnStats, FileRecord, Release, RunRecord, TableRelease, current_release, release, releases,
};
pub use root::{CONTROL, Format, TargetRoot};
pub use stage::StagedTable;
pub use steps::{Silent, Steps};
