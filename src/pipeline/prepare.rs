//! From files to a graph in which everything is known: load, open the extracts, resolve.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use chrono_tz::Tz;

use super::Request;
use crate::diag::{Diagnostic, Diagnostics, Place, Sources, codes};
use crate::engine::{Engine, Frame, Frames, Limits};
use crate::error::{Error, Result};
use crate::kinds::Settings;
use crate::project::graph::{self, Edges};
use crate::project::load::{self, Project};
use crate::project::names::{self, Names, Origin};
use crate::project::resolve::{self, Graph, Unresolved};
use crate::project::spec::{TableFormat, TargetSpec};
use crate::store::publish::{Codec, Format, Publication, TargetRoot};
use crate::store::{Extract, Location, Seed, Wanted};
use crate::syntax::TableName;

/// The smallest memory limit that operators can live with.
const LEAST_MEMORY_BYTES: u64 = 512 << 20;

/// What was read and what was found wrong with it, for whoever shows it.
#[derive(Debug, Default)]
pub struct Session {
    /// The text of every file.
    pub texts: Sources,
    /// Every mistake and warning.
    pub diags: Diagnostics,
}

impl Session {
    /// Ends a stage: an error where anything was wrong.
    pub fn settle(&self) -> Result<()> {
        if self.diags.has_errors() { Err(Error::project("the project has mistakes")) } else { Ok(()) }
    }
}

/// A project that is ready to run.
pub struct Prepared {
    /// Its files.
    pub project: Project,
    /// Its models, resolved.
    pub graph: Graph,
    /// The opened extracts, by table.
    pub extracts: BTreeMap<TableName, Extract>,
    /// The seeds, by table.
    pub seeds: BTreeMap<TableName, Seed>,
    /// Sources and seeds as tables to read.
    pub frames: Frames,
    /// Runs its plans.
    pub engine: Engine,
    /// A digest of every file of the project.
    pub digest: String,
    texts: Sources,
}

/// Where a run publishes to.
pub struct Target {
    /// The place.
    pub location: Location,
    /// How tables are written.
    pub format: Format,
    /// How their files are compressed.
    pub codec: Codec,
    /// How many releases `clean` keeps.
    pub keep_releases: u32,
}

impl Target {
    /// The place as publication wants it.
    pub fn root(&self) -> Result<TargetRoot> {
        let (store, prefix) = (self.location.store(), self.location.prefix().clone());
        Ok(TargetRoot::new(store, prefix, self.location.url().clone(), self.format).with_codec(self.codec))
    }
}

/// Reads the project's files; the first stage.
pub(super) fn load(request: &Request, session: &mut Session) -> Result<Project> {
    let project = load::load(&request.project_dir, &request.env, &mut session.texts, &mut session.diags);
    project.ok_or_else(|| Error::project("the project cannot be read"))
}

/// Which source tables and seeds are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// All that the project declares, so that what is wrong with any of them is told.
    All,
    /// Those that models and their checks read.
    Used,
}

/// Resolves every name and types every expression; the second stage.
pub(super) async fn resolve(
    project: Project,
    request: &Request,
    session: &mut Session,
    reads: Reads,
) -> Result<Prepared> {
    let diags = &mut session.diags;
    let settings = settings(&project, diags);
    let limits = limits(&project, request, diags);
    let engine = Engine::new(limits, request.as_of, session.texts.clone())?;
    let kinds = names::kinds(&project.models, &session.texts, diags);
    let names = names::collect(&project, &kinds, diags);
    let edges = graph::edges(&project, &kinds, &names, &engine, diags);

    let opener = Opener { project: &project, request, names: &names, edges: &edges, reads };
    let extracts = opener.extracts(&engine, diags).await?;
    let seeds = opener.seeds(&mut session.texts, diags)?;
    let mut frames = Frames::default();
    for (table, extract) in &extracts {
        frames.insert(table.clone(), Frame { provider: extract.provider(), columns: extract.columns().to_vec() });
        let footers = extract.clone();
        frames.insert_ends(table.clone(), Arc::new(move |column| footers.ends(column)));
    }
    for (table, seed) in &seeds {
        frames.insert(table.clone(), Frame { provider: seed.provider()?, columns: seed.columns().to_vec() });
    }
    let work = Unresolved { project: &project, kinds, names, edges, settings };
    let graph = resolve::resolve(work, frames.clone(), &engine, diags);
    let digest = digest(&session.texts);
    session.settle()?;
    let texts = session.texts.clone();
    Ok(Prepared { project, graph, extracts, seeds, frames, engine, digest, texts })
}

struct Opener<'a> {
    project: &'a Project,
    request: &'a Request,
    names: &'a Names,
    edges: &'a Edges,
    reads: Reads,
}

impl Opener<'_> {
    /// The tables that some model reads or is checked against, or all.
    fn read(&self) -> BTreeSet<&TableName> {
        if self.reads == Reads::All {
            return self.names.iter().map(|(table, _)| table).collect();
        }
        self.edges.inputs.iter().chain(&self.edges.compared).flatten().map(|table| &table.value).collect()
    }

    async fn extracts(&self, engine: &Engine, diags: &mut Diagnostics) -> Result<BTreeMap<TableName, Extract>> {
        let locations = self.locations(diags)?;
        locations.values().for_each(|location| location.register(&engine.ctx().runtime_env()));
        let mut wanted = Vec::new();
        for table in self.read() {
            let Some(Origin::Source(file, at)) = self.names.origin(table.as_str()) else { continue };
            let Some(source) = self.project.sources.get(file) else { continue };
            let Some(location) = locations.get(&source.spec.source.value) else { continue };
            wanted.extend(source.spec.tables.get(at).map(|table| Wanted { table, location }));
        }
        wanted.iter().for_each(|wanted| crate::store::review(wanted.table, diags));
        let opened = crate::store::open_all(&wanted, diags).await?;
        let mut extracts = BTreeMap::new();
        for (wanted, extract) in wanted.iter().zip(opened) {
            if let Some(extract) = extract {
                crate::store::check_freshness(wanted.table, &extract, self.request.as_of, diags);
                extracts.insert(extract.table().clone(), extract);
            }
        }
        Ok(extracts)
    }

    /// Where each source system that is read lies.
    fn locations(&self, diags: &mut Diagnostics) -> Result<BTreeMap<TableName, Location>> {
        let mut locations = BTreeMap::new();
        let read = self.read();
        for source in &self.project.sources {
            let name = &source.spec.source;
            if !source.spec.tables.iter().any(|table| read.contains(&table.table.value)) {
                continue;
            }
            let Some(text) = self.project.file.sources.get(&name.value) else {
                let message = format!("`marquetry.yml` does not say where the extracts of `{name}` lie");
                let hint = format!("add it under `sources:`, as in `{name}: extracts/{name}`");
                diags.push(Diagnostic::error(codes::BAD_LOCATION, name.place, message).hint(hint));
                continue;
            };
            match Location::open(&text.value, &self.project.dir, &self.request.env) {
                Ok(location) => {
                    locations.insert(name.value.clone(), location);
                }
                Err(error) => diags.push(
                    Diagnostic::error(codes::BAD_LOCATION, text.place, error.to_string())
                        .maybe_hint(error.hint().map(str::to_string)),
                ),
            }
        }
        Ok(locations)
    }

    fn seeds(&self, texts: &mut Sources, diags: &mut Diagnostics) -> Result<BTreeMap<TableName, Seed>> {
        let mut seeds = BTreeMap::new();
        for table in self.read() {
            let Some(Origin::Seed(at)) = self.names.origin(table.as_str()) else { continue };
            let Some(written) = self.project.seeds.get(at) else { continue };
            let folder = written.path.parent().unwrap_or(Path::new(""));
            if let Some(seed) = Seed::open(&written.spec, &self.project.dir, folder, texts, diags)? {
                seeds.insert(table.clone(), seed);
            }
        }
        Ok(seeds)
    }
}

fn settings(project: &Project, diags: &mut Diagnostics) -> Settings {
    let mut reporting_timezone = Tz::UTC;
    if let Some(zone) = &project.file.reporting_timezone {
        match Tz::from_str(&zone.value) {
            Ok(tz) => reporting_timezone = tz,
            Err(_) => {
                let message = format!("`{zone}` is not a time zone of the IANA list");
                let known = chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name());
                diags.push(
                    Diagnostic::error(codes::BAD_TIME_ZONE, zone.place, message)
                        .hint("write it as in `Europe/Berlin` or `UTC`")
                        .did_you_mean(&zone.value, known),
                );
            }
        }
    }
    let mut currency = "USD".to_string();
    if let Some(written) = &project.file.currency {
        if written.value.len() == 3 && written.value.chars().all(|c| c.is_ascii_uppercase()) {
            currency.clone_from(&written.value);
        } else {
            let message = format!("`{written}` is not a currency code");
            let hint = "write the three capital letters of ISO 4217, as in `USD`";
            diags.push(Diagnostic::error(codes::UNKNOWN_CURRENCY, written.place, message).hint(hint));
        }
    }
    Settings { reporting_timezone, currency }
}

/// What the command line says, else the project, else what the machine has: all threads, half the memory.
fn limits(project: &Project, request: &Request, diags: &mut Diagnostics) -> Limits {
    let written = &project.file.limits;
    let overrides = &request.overrides;
    let (machine_threads, machine_bytes) = overrides.machine;
    let threads = overrides.threads.or_else(|| {
        let threads = written.threads.as_ref()?;
        let number = NonZeroUsize::new(usize::from(threads.value));
        if number.is_none() {
            let message = "a run needs at least one thread";
            diags.push(Diagnostic::error(codes::BAD_VALUE_FOR_SETTING, threads.place, message));
        }
        number
    });
    let of_machine = || machine_bytes.map_or(LEAST_MEMORY_BYTES, |bytes| (bytes / 2).max(LEAST_MEMORY_BYTES));
    let bytes =
        overrides.memory.or(written.memory.as_ref().map(|size| size.value)).map_or_else(of_machine, |size| size.0);
    let spill_dir = overrides.spill.clone().or_else(|| written.spill.as_ref().map(PathBuf::from));
    let threads = threads.or(machine_threads).unwrap_or(NonZeroUsize::MIN);
    let memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let batch_size = overrides.batch_size.unwrap_or_else(|| Limits::batch_rows(threads, memory_bytes));
    Limits { threads, memory_bytes, spill_dir, batch_size }
}

/// A digest of all files, each with its path, in the order of the paths.
fn digest(texts: &Sources) -> String {
    let mut files: Vec<_> = (0..).map_while(|file| texts.get(file)).collect();
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for (path, text) in files {
        for part in [path.to_string_lossy().as_bytes(), text.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Where a run publishes to: the named target, else the default one, else the first.
pub(super) fn target(project: &Project, request: &Request) -> Result<Target> {
    let file = &project.file;
    let wanted = request.overrides.target.as_deref().or(file.default_target.as_ref().map(|name| name.as_str()));
    let spec = match wanted {
        Some(name) => Some(file.targets.get(name).ok_or_else(|| unknown_target(project, name))?),
        None => file.targets.first().map(|(_, spec)| spec),
    };
    let location = match (&request.overrides.location, spec) {
        (Some(text), _) => Location::open(text, &request.working_dir, &request.env)?,
        (None, Some(spec)) => Location::open(&spec.location.value, &project.dir, &request.env)?,
        (None, None) => {
            let hint = "add one under `targets:`, or name a place with `--location`";
            return Err(Error::project("the project has no target").with_hint(hint));
        }
    };
    let format = match spec.map_or(TableFormat::Delta, |spec: &TargetSpec| spec.format) {
        TableFormat::Delta => Format::Delta,
        TableFormat::Parquet => Format::Parquet,
    };
    let codec = spec.map_or_else(Codec::default, |spec| spec.compression);
    let keep_releases = spec.and_then(|spec| spec.keep_releases).unwrap_or(10);
    Ok(Target { location, format, codec, keep_releases })
}

fn unknown_target(project: &Project, name: &str) -> Error {
    let error = Error::project(format!("there is no target `{name}`"));
    match crate::diag::nearest(name, project.file.targets.keys().map(TableName::as_str)) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint("`targets:` in `marquetry.yml` names them"),
    }
}

impl Prepared {
    /// Where the run publishes to, its store known to the engine.
    pub fn target(&self, request: &Request) -> Result<Target> {
        let target = target(&self.project, request)?;
        target.location.register(&self.engine.ctx().runtime_env());
        Ok(target)
    }

    /// A place as `path:line`.
    pub fn line_of(&self, place: Place) -> Option<String> {
        let (path, _) = self.texts.get(place.file)?;
        let (line, _) = self.texts.line_column(place)?;
        Some(format!("{}:{line}", path.display()))
    }

    /// The text of one of the project's files.
    pub fn text_of(&self, file: u32) -> Option<&str> {
        self.texts.get(file).map(|(_, text)| text)
    }

    /// What was read, for the release record: extracts with their files, seeds with their digest.
    pub fn input_records(&self) -> Vec<serde_json::Value> {
        let extracts = self.extracts.values().map(|extract| {
            serde_json::json!({
                "table": extract.table(),
                "rows": extract.rows(),
                "fingerprint": extract.fingerprint().to_hex().to_string(),
                "files": extract.files(),
            })
        });
        let seeds = self.seeds.values().map(|seed| {
            serde_json::json!({ "table": seed.table(), "rows": seed.batch().num_rows(), "fingerprint": seed.digest().to_hex().to_string() })
        });
        extracts.chain(seeds).collect()
    }

    /// Tables of the last release that no model of the project writes any more.
    pub fn dropped_since(&self, publication: &Publication) -> BTreeSet<TableName> {
        let released = publication.current().into_iter().flat_map(|release| &release.tables);
        released.map(|table| table.name.clone()).filter(|name| self.graph.writer(name.as_str()).is_none()).collect()
    }
}
