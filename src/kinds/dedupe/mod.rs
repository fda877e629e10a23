//! Records of several systems → one golden row a person or account, with ids that stay.

pub mod cluster;
pub mod matching;
