//! The one error type: what kind of trouble it is, what was being done, and what lies beneath.
//!
//! The kind decides the exit code, so every constructor names it. Mistakes in the project itself
//! are [`crate::diag::Diagnostic`]s, collected; an [`Error`] is what ends a run.

mod foreign;

use std::fmt;

pub(crate) use foreign::is_of_values;

/// A result whose error is ours.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of trouble ended the run; each kind has one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A check refused the data, or a model failed on it.
    Data,
    /// The project or the arguments are wrong.
    Project,
    /// The world failed (store, network, disk, memory); a retry may help.
    World,
    /// Another run holds the lock of this target.
    Locked,
    /// A bug of ours.
    Internal,
    /// The run was stopped by SIGINT.
    Interrupted,
    /// The run was stopped by SIGTERM.
    Terminated,
}

impl ErrorKind {
    /// The exit code of a run that ended this way.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Project => 2,
            Self::World => 3,
            Self::Internal => 70,
            Self::Locked => 75,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What ended a run: a kind, a message, the context it happened in, and the error beneath.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    context: Vec<String>,
    source: Option<Source>,
}

impl Error {
    /// An error of `kind`; `message` is lower case and ends without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, context: Vec::new(), source: None }
    }

    /// A check or a model refused the data.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// The project or the arguments are wrong.
    pub fn project(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Project, message)
    }

    /// The world failed; a retry may help.
    pub fn world(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::World, message)
    }

    /// Something that cannot happen did: a bug of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The run needs more memory than it may use; `consumers` is the engine's account of who has it.
    fn exhausted(consumers: &str) -> Self {
        Self::world("the run's memory is used up")
            .with_hint("give it more with `--memory`, or fewer threads with `--threads`")
            .with_source(consumers.to_string())
    }

    /// What the user may do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error beneath, whose text is shown after ours.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What was being done when it happened; the outermost context is added last.
    #[must_use]
    pub fn while_doing(mut self, context: impl Into<String>) -> Self {
        self.context.push(context.into());
        self
    }

    /// The same error once more; of the error beneath, only the text.
    pub fn copy(&self) -> Self {
        Self {
            kind: self.kind,
            message: self.message.clone(),
            hint: self.hint.clone(),
            context: self.context.clone(),
            source: self.source.as_ref().map(|source| source.to_string().into()),
        }
    }

    /// The kind of trouble.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message without context.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the user may do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|s| s.as_ref() as _)
    }
}

/// Adds context to a result on its way up.
pub trait Context<T> {
    /// See [`Error::while_doing`]; the text is only built on failure.
    fn while_doing(self, context: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn while_doing(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| e.into().while_doing(context()))
    }
}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::world("file system error").with_source(source)
    }
}

impl From<object_store::Error> for Error {
    fn from(source: object_store::Error) -> Self {
        Self::world("store error").with_source(source)
    }
}
