//! Work that several partitions wait for, done once.
//!
//! A cell that tries again after an error, or when whoever began gives up, would execute plans a second
//! time that can be executed only once: DataFusion's repartitioning panics then.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use datafusion::common::Result as SqlResult;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::operator::external;
use crate::error::Error;

/// What the work comes to: both ends are shared, since everybody who waits gets one.
type Outcome<T> = Result<Arc<T>, Arc<Error>>;

/// One result or error for all who ask.
pub(super) struct Once<T> {
    work: OnceLock<Shared<BoxFuture<'static, Outcome<T>>>>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { work: OnceLock::new() }
    }
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Once({})", if self.work.get().is_some() { "begun" } else { "not begun" })
    }
}

impl<T: Send + Sync + 'static> Once<T> {
    /// The result, where it is there already.
    pub(super) fn done(&self) -> Option<Arc<T>> {
        self.work.get()?.peek()?.as_ref().ok().cloned()
    }

    /// The result, or the error, of the first call's work. It goes on as long as anybody waits for it, and
    /// nobody begins it again.
    pub(super) async fn get<W>(&self, work: impl FnOnce() -> W) -> SqlResult<Arc<T>>
    where
        W: Future<Output = SqlResult<T>> + Send + 'static,
    {
        let begin = || {
            let done = work().map(|done| done.map(Arc::new).map_err(|error| Arc::new(Error::from(error))));
            done.boxed().shared()
        };
        let done = self.work.get_or_init(begin).clone();
        done.await.map_err(|error| external(error.copy()))
    }
}
