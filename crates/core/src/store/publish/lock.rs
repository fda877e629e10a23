//! Who may write to a target, and whether its last run has decided to publish: one small object,
//! changed only by compare-and-swap, so that both questions have one answer.
//!
//! On a file system the kernel's lock on a file decides who holds the target; it ends with the
//! process, however that ends. Elsewhere the object itself is the lock: it is taken by conditional
//! put, kept by a heartbeat, and taken over once its holder is provably gone or has been silent
//! for a lease as measured by the store's own clock. A holder that merely slept finds its next
//! conditional put refused, and the decision to publish is such a put: it cannot wake up and
//! publish over its successor.

use std::fs::{File, OpenOptions, TryLockError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::{ObjectStoreExt, PutMode, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::objects::{self, Put};
use super::owner::Owner;
use super::root::{CONTROL, TargetRoot};
use crate::error::{Context, Error, ErrorKind, Result};

/// How long a holder on another machine may be silent before its lock is taken over.
pub const LEASE: Duration = Duration::from_secs(60);

const REGISTER: &str = "_marquetry/lock.json";
const FILE_LOCK: &str = "lock";
/// How the objects begin that only serve to ask the store for its time.
pub(super) const CLOCK: &str = "clock-";

/// The object that decides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Register {
    /// Who may write; nobody where unset.
    holder: Option<Holder>,
    /// The run whose journal must be carried out to its end before anything else happens.
    decided: Option<String>,
    /// Counts heartbeats, so that every version of the object differs from all before it.
    beat: u64,
}

/// A run that holds the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    run: String,
    owner: Owner,
}

/// The hold on a target. Dropping it ends the heartbeat; [`Lock::release`] gives it back at once.
#[derive(Debug)]
pub(super) struct Lock {
    shared: Arc<Shared>,
    heartbeat: Option<JoinHandle<()>>,
    /// Held open for as long as the target is; the kernel's lock goes with it.
    _file: Option<File>,
}

#[derive(Debug)]
struct Shared {
    root: TargetRoot,
    lease: Duration,
    lost: AtomicBool,
    /// Asks the heartbeat to end between two beats: one that is cut off in the middle of a put
    /// would leave nobody who knows the register's version.
    stop: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    register: Register,
    version: UpdateVersion,
    confirmed: Instant,
}

impl Lock {
    /// Takes the target for a run, or says who holds it ([`ErrorKind::Locked`]).
    pub(super) async fn acquire(root: &TargetRoot, run: &str, lease: Duration) -> Result<Self> {
        let file = file_lock(root)?;
        let there = objects::read(root, REGISTER).await?;
        let (old, version) = match there {
            Some((bytes, version)) => (objects::parse::<Register>(REGISTER, &bytes)?, Some(version)),
            None => (Register::default(), None),
        };
        if let Some(holder) = &old.holder
            && file.is_none()
            && !holder.owner.is_provably_gone()
            && !lease_is_over(root, run, lease).await?
        {
            return Err(locked_by(holder));
        }
        let holder = Holder { run: run.to_string(), owner: Owner::of_this_process() };
        let register = Register { holder: Some(holder), decided: old.decided, beat: 0 };
        let mode = match version {
            _ if file.is_some() => PutMode::Overwrite,
            Some(version) => PutMode::Update(version),
            None => PutMode::Create,
        };
        match objects::put_if(root, REGISTER, objects::to_json(&register)?, mode).await? {
            Put::Refused => Err(Error::new(ErrorKind::Locked, "another run took this target at the same moment")),
            Put::Done(version) => Ok(Self::held(root.clone(), lease, register, version, file)),
        }
    }

    fn held(root: TargetRoot, lease: Duration, register: Register, version: UpdateVersion, file: Option<File>) -> Self {
        let state = Mutex::new(State { register, version, confirmed: Instant::now() });
        let shared = Arc::new(Shared { root, lease, lost: AtomicBool::new(false), stop: Notify::new(), state });
        let heartbeat = file.is_none().then(|| tokio::spawn(beat(Arc::clone(&shared))));
        Self { shared, heartbeat, _file: file }
    }

    /// The run whose journal must be carried out, where one has decided.
    pub(super) async fn decided(&self) -> Option<String> {
        self.shared.state.lock().await.register.decided.clone()
    }

    /// Records that a run has decided, or that its journal is carried out. The one put that makes
    /// a run published: refused where the target was taken over meanwhile.
    pub(super) async fn decide(&self, run: Option<&str>) -> Result<()> {
        self.shared.swap(|register| register.decided = run.map(str::to_string)).await
    }

    /// An error where the hold was lost, or can no longer be shown to last.
    pub(super) fn check(&self) -> Result<()> {
        if self.shared.lost.load(Ordering::Acquire) { Err(lost()) } else { Ok(()) }
    }

    /// Gives the target back.
    pub(super) async fn release(mut self) -> Result<()> {
        if let Some(heartbeat) = self.heartbeat.take() {
            self.shared.stop.notify_one();
            heartbeat.await.map_err(|error| Error::internal("the heartbeat stopped short").with_source(error))?;
        }
        self.shared.swap(|register| register.holder = None).await
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.abort();
        }
    }
}

impl Shared {
    /// Changes the register on condition that it is as this holder left it.
    async fn swap(&self, change: impl FnOnce(&mut Register)) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut register = state.register.clone();
        change(&mut register);
        register.beat += 1;
        let mode = match self.root.folder() {
            Some(_) => PutMode::Overwrite,
            None => PutMode::Update(state.version.clone()),
        };
        match objects::put_if(&self.root, REGISTER, objects::to_json(&register)?, mode).await? {
            Put::Done(version) => {
                *state = State { register, version, confirmed: Instant::now() };
                Ok(())
            }
            Put::Refused => {
                self.lost.store(true, Ordering::Release);
                Err(lost())
            }
        }
    }

    /// How long ago the store last confirmed the hold.
    async fn silent_for(&self) -> Duration {
        self.state.lock().await.confirmed.elapsed()
    }
}

/// Keeps the lease alive; gives up when the register is somebody else's, or when the store has not
/// answered for so long that others may already count the lease as over.
async fn beat(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(shared.lease / 6) => {}
            () = shared.stop.notified() => return,
        }
        let beaten = shared.swap(|_| ()).await;
        if beaten.is_err() && shared.silent_for().await > shared.lease / 2 {
            shared.lost.store(true, Ordering::Release);
        }
        if shared.lost.load(Ordering::Acquire) {
            return;
        }
    }
}

/// The kernel's lock, where the target is a folder of this file system.
fn file_lock(root: &TargetRoot) -> Result<Option<File>> {
    let Some(folder) = root.folder() else { return Ok(None) };
    let control = folder.join(CONTROL);
    std::fs::create_dir_all(&control).while_doing(|| format!("creating `{}`", control.display()))?;
    let path = control.join(FILE_LOCK);
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .while_doing(|| format!("opening `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Error::new(ErrorKind::Locked, "another run is writing to this target")
            .with_hint(format!("it holds `{}`", path.display()))),
        Err(TryLockError::Error(error)) => Err(Error::from(error)
            .while_doing(format!("locking `{}`", path.display()))
            .with_hint("the target's file system must support file locks")),
    }
}

/// Whether the register has not been touched for longer than a lease. Both instants are the
/// store's: the clocks of the machines that share a target are never compared.
async fn lease_is_over(root: &TargetRoot, run: &str, lease: Duration) -> Result<bool> {
    let touched = modified(root, REGISTER).await?;
    let probe = format!("{CONTROL}/{CLOCK}{run}");
    objects::write(root, &probe, "now".into()).await?;
    let now = modified(root, &probe).await?;
    objects::remove(root, vec![root.path(&probe)]).await?;
    Ok((now - touched).to_std().is_ok_and(|silent| silent > lease))
}

async fn modified(root: &TargetRoot, relative: &str) -> Result<DateTime<Utc>> {
    let meta = root.store().head(&root.path(relative)).await.while_doing(|| format!("looking at `{relative}`"))?;
    Ok(meta.last_modified)
}

fn locked_by(holder: &Holder) -> Error {
    Error::new(ErrorKind::Locked, format!("run `{}` is writing to this target: {}", holder.run, holder.owner))
        .with_hint("if that run is gone, its hold ends by itself within a minute")
}

fn lost() -> Error {
    Error::new(ErrorKind::Locked, "this run was silent for too long, and another one has taken over the target")
}
