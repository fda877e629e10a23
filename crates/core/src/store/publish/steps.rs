//! The observer of the protocol: every step is named, so that it can be logged, and a test can
//! end the process exactly there.

/// Told of every step of publication as it is reached.
pub trait Steps: Send + Sync {
    /// `step` was reached; names are stable, such as `decided` or `committed fct_credits`.
    fn reached(&self, step: &str);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Steps for Silent {
    fn reached(&self, _step: &str) {}
}
