//! The one integration binary.

mod publish;
mod support;
