//! Which pairs of records are compared, and how alike they are.
