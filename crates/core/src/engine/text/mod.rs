//! Text as people type it → keys that match: e-mail, phone, names, companies, domains.
//!
//! Pure functions on `&str`. All of them answer nothing rather than guess, never panic, take time
//! linear in the length of the text (the distances of [`similar`] apart), and answer the same for
//! the same text everywhere: tables are files beside the code, not locales of the machine.
//!
//! A key of a key is the key itself. `docs/text-functions.md` has every function as SQL names it.

pub mod company;
pub mod domain;
pub mod email;
mod fold;
pub(super) mod functions;
pub use fold::{fold, is_mark};
pub use functions::trimmed;
#[cfg(test)]
mod functions_tests;
#[cfg(test)]
mod fuzz_tests;
pub mod name;
pub mod phone;
pub mod similar;
mod table;
mod words;

/// Bytes of a text that are looked at; what a person typed into a field is shorter.
///
/// Of a longer name or company only whole words within the limit count, and a longer address or
/// number is none.
pub const MAX_BYTES: usize = 1_000;

/// The start of `text` within [`MAX_BYTES`], cut between two characters.
fn head(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or_default()
}
