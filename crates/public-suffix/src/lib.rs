//! The registrable part of a host name, by the public suffix list that `psl` carries.
//!
//! The list is ten thousand functions, all marked for inlining: whichever crate asks it compiles all of it
//! anew. Here that happens once, at a level of its own, beside crates that the rest has to wait for.

/// The public suffix of a host and the label before it: `shop.example.co.uk` → `example.co.uk`; `None` where the
/// host is a suffix itself. The host is in lower case and IDNA, as DNS has it.
#[inline(never)]
pub fn registrable_part(host: &str) -> Option<&str> {
    psl::domain_str(host)
}
