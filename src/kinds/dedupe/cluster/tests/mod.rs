//! Clusters and ids against their naive twins, and by hand.

mod clusters;
mod forest;
mod guards;
mod histories;
mod ids;
mod links;
mod world;
