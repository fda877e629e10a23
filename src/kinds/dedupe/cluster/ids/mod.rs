//! Ids that stay: clusters and what was last published → an id for every cluster, and where every
//! id ever published leads.
//!
//! Every id holds on to one record, its anchor. It belongs to the cluster in which that record is,
//! and if several ids meet in a cluster, the oldest lives and the others lead to it. The rules, with
//! worked examples: `docs/design/0005-clusters-and-ids.md`.
//!
//! The state of a run is what it publishes, and nothing else: every field of [`CrosswalkRow`] for
//! every record, and every field of every [`Redirect`]. Where releases were taken back, the ids that only
//! they know are added to the redirects before: see [`withdrawn()`].

mod assign;
mod former;
mod locate;
mod mint;
#[cfg(test)]
pub(super) mod naive;
mod redirects;
mod state;
mod withdrawn;

pub use assign::{Identities, Identity, assign};
pub use locate::Finder;
pub use mint::namespace;
pub use redirects::Ended;
pub use state::{Crosswalk, CrosswalkRow, End, Published, Records, Redirect, broken};
pub use withdrawn::{Withdrawn, withdrawn};
