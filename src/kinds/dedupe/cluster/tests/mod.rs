//! Clusters and ids against their naive twins, and by hand.

mod clusters;
mod guards;
mod links;
