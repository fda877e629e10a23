//! What a Delta table's log says: its version, its metadata and the files that readers see.
//!
//! The log is read through the Delta kernel, which knows checkpoints and the entries of other writers.
//! The kernel blocks, so every question runs beside the runtime's threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_kernel::scan::StatsOptions;
use delta_kernel::scan::state::ScanFile;
use delta_kernel::snapshot::{Snapshot, SnapshotRef};
use delta_kernel::{KernelError, KernelResult};
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder};
use percent_encoding::percent_decode_str;
use tokio::runtime::Handle;

use super::root::TargetRoot;
use crate::error::{Error, Result};

type Kernel = DefaultEngine<TokioMultiThreadExecutor>;

/// A table as its log has it at its newest version.
pub(super) struct DeltaLog {
    snapshot: SnapshotRef,
    kernel: Arc<Kernel>,
}

/// A file that readers of the table see.
pub(super) struct LiveFile {
    /// As the log writes it: relative to the table, percent-encoded.
    pub(super) logged: String,
    /// Bytes.
    pub(super) size: i64,
}

impl LiveFile {
    /// The path beneath the table's folder.
    pub(super) fn path(&self) -> String {
        percent_decode_str(&self.logged).decode_utf8_lossy().into_owned()
    }
}

/// What the log says of the table as a whole.
pub(super) struct Described {
    /// The table's identity.
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    /// The schema as JSON text.
    pub(super) schema: String,
    /// The settings, ours and those of others.
    pub(super) configuration: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub(super) created: Option<i64>,
}

impl DeltaLog {
    /// Reads the log of the table that lies in the folder `name`.
    pub(super) async fn load(root: &TargetRoot, name: &str) -> Result<Self> {
        let place = root.url_of(&format!("{name}/"))?;
        let executor = Arc::new(TokioMultiThreadExecutor::new(Handle::current()));
        let kernel = DefaultEngineBuilder::new(Arc::clone(root.store())).with_task_executor(executor).build();
        let kernel = Arc::new(kernel);
        let asked = Arc::clone(&kernel);
        let snapshot = blocking(move || Snapshot::builder_for(place).build(asked.as_ref())).await?;
        Ok(Self { snapshot, kernel })
    }

    /// The newest version.
    pub(super) fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// The versions that a reader and a writer must know at the least.
    pub(super) fn protocol(&self) -> (i32, i32) {
        let protocol = self.snapshot.table_configuration().protocol();
        (protocol.min_reader_version(), protocol.min_writer_version())
    }

    /// What the log says of the table as a whole.
    pub(super) fn described(&self) -> Described {
        let metadata = self.snapshot.table_configuration().metadata();
        Described {
            id: metadata.id().to_string(),
            name: metadata.name().map(str::to_string),
            description: metadata.description().map(str::to_string),
            schema: metadata.schema_string().clone(),
            configuration: metadata.configuration().clone().into_iter().collect(),
            created: metadata.created_time(),
        }
    }

    /// The last transaction of an application, where it ever wrote to the table.
    pub(super) async fn transaction(&self, application: &'static str) -> Result<Option<i64>> {
        let (snapshot, kernel) = (Arc::clone(&self.snapshot), Arc::clone(&self.kernel));
        blocking(move || snapshot.get_app_id_version(application, kernel.as_ref())).await
    }

    /// The files that readers see, by path.
    pub(super) async fn files(&self) -> Result<Vec<LiveFile>> {
        let (snapshot, kernel) = (Arc::clone(&self.snapshot), Arc::clone(&self.kernel));
        let mut files = blocking(move || live_files(snapshot, kernel.as_ref())).await?;
        files.sort_by(|a, b| a.logged.cmp(&b.logged));
        Ok(files)
    }

    /// Writes a checkpoint of this version.
    pub(super) async fn checkpoint(&self) -> Result<()> {
        let (snapshot, kernel) = (Arc::clone(&self.snapshot), Arc::clone(&self.kernel));
        blocking(move || snapshot.checkpoint(kernel.as_ref(), None)).await.map(|_| ())
    }
}

fn live_files(snapshot: SnapshotRef, kernel: &Kernel) -> KernelResult<Vec<LiveFile>> {
    fn note(files: &mut Vec<LiveFile>, file: ScanFile) {
        files.push(LiveFile { logged: file.path, size: file.size });
    }
    let scan = snapshot.scan_builder().with_stats(StatsOptions::none()).build()?;
    let mut files = Vec::new();
    for part in scan.scan_metadata(kernel)? {
        files = part?.visit_scan_files(files, note)?;
    }
    Ok(files)
}

async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> KernelResult<T> + Send + 'static) -> Result<T> {
    let asked = tokio::task::spawn_blocking(ask).await;
    let answered = asked.map_err(|error| Error::internal("reading a Delta log stopped").with_source(error))?;
    answered.map_err(|error: KernelError| Error::world("the Delta log cannot be read").with_source(error))
}
