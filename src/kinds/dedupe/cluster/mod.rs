//! Edges between records → clusters, guards and ids.
