//! Publication on disk and on S3: whole or not at all, together, and once.

mod faults;
mod kill;
mod protocol;
mod tables;
mod world;
