//! A first contract for files, whether somebody declared them or not.

use super::Request;
use super::prepare::{self, Session};
use crate::diag::Diagnostics;
use crate::error::{Error, Result};
use crate::project::load::Project;
use crate::store::{Extract, Location, Wanted, draft};
use crate::syntax::{SourceTable, TableName};

/// Files that a contract is to be drafted for.
struct Files {
    /// The source system they belong to.
    system: String,
    /// Where the system's tables lie.
    location: Location,
    /// Where the files lie below it.
    path: String,
    /// The table they make.
    table: TableName,
    /// What `marquetry.yml` has to say, where it does not say where the system lies.
    note: Option<String>,
}

/// A contract as YAML for a source table, for one that nobody has declared below a declared source,
/// or for the Parquet files at a place.
pub async fn draft_contract(request: &Request, name: &str, session: &mut Session) -> Result<String> {
    let project = prepare::load(request, session)?;
    let drafter = Drafter { project: &project, request };
    let mut found = drafter.declared(name)?;
    if found.is_none() {
        found = drafter.undeclared(name).await?;
    }
    let files = match found {
        Some(files) => files,
        None => drafter.at_place(name)?,
    };
    let extract = open(&files, &mut session.diags).await?.ok_or_else(|| {
        let message = format!("`{name}` is neither a source table nor a place with Parquet files");
        Error::project(message).with_hint(
            "name a table of `schemas/`, a folder below a source as in `salesforce_task` for `task/`, or a path",
        )
    })?;
    let note = files.note.map(|note| format!("{note}\n")).unwrap_or_default();
    Ok(format!("{note}{}", draft(&extract, &files.system, &files.path)))
}

async fn open(files: &Files, diags: &mut Diagnostics) -> Result<Option<Extract>> {
    let contract = SourceTable::undeclared(files.table.clone(), &files.path);
    Extract::open(&Wanted { table: &contract, location: &files.location }, diags).await
}

struct Drafter<'a> {
    project: &'a Project,
    request: &'a Request,
}

impl Drafter<'_> {
    /// The files of a table that a contract declares.
    fn declared(&self, name: &str) -> Result<Option<Files>> {
        for source in &self.project.sources {
            let table = source.spec.tables.iter().find(|table| table.table.as_str() == name);
            let system = &source.spec.source.value;
            if let (Some(table), Some(place)) = (table, self.project.file.sources.get(system)) {
                let location = Location::open(&place.value, &self.project.dir, &self.request.env)?;
                let (path, table) = (table.path.value.clone(), table.table.value.clone());
                return Ok(Some(Files { system: system.to_string(), location, path, table, note: None }));
            }
        }
        Ok(None)
    }

    /// The files of `salesforce_task`, or of `task`, in the folder `task` of a declared source.
    async fn undeclared(&self, name: &str) -> Result<Option<Files>> {
        let Some(table) = TableName::new(name) else { return Ok(None) };
        for (system, place) in &self.project.file.sources {
            let location = Location::open(&place.value, &self.project.dir, &self.request.env)?;
            let short = name.strip_prefix(system.as_str()).and_then(|rest| rest.strip_prefix('_'));
            for folder in short.into_iter().chain([name]) {
                let files = Files {
                    system: system.to_string(),
                    location: location.clone(),
                    path: format!("{folder}/"),
                    table: table.clone(),
                    note: None,
                };
                // What is not there is no mistake: another source may have it.
                if open(&files, &mut Diagnostics::default()).await?.is_some() {
                    return Ok(Some(files));
                }
            }
        }
        Ok(None)
    }

    /// The files at a place: of a declared source where they lie below one, else of one that has to be
    /// declared for the folder around them.
    fn at_place(&self, name: &str) -> Result<Files> {
        let (place, below) = split_place(name);
        let location = Location::open(&place, &self.request.working_dir, &self.request.env)?;
        let whole = location.to_string();
        for (system, place) in &self.project.file.sources {
            let root = Location::open(&place.value, &self.project.dir, &self.request.env)?;
            let rest = whole.strip_prefix(&root.to_string()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(rest) = rest {
                let path = format!("{rest}/{below}").trim_start_matches('/').to_string();
                let path = if path.is_empty() { "./".to_string() } else { path };
                let table = self.name_of(&path, system.as_str());
                return Ok(Files { system: system.to_string(), location: root, path, table, note: None });
            }
        }
        // A folder is a table of the source around it; a file is one of its folder's.
        let (around, path) = match whole.rsplit_once('/').filter(|(around, _)| below.is_empty() && !around.is_empty()) {
            Some((around, folder)) => (around.to_string(), format!("{folder}/")),
            None => (whole, below),
        };
        let system = around.rsplit('/').find_map(plain).map_or_else(|| "extracts".to_string(), |name| name.to_string());
        let is_taken = self.project.file.sources.keys().any(|known| known.as_str() == system);
        let system = if is_taken { format!("{system}_extracts") } else { system };
        let location = Location::open(&around, &self.request.working_dir, &self.request.env)?;
        let table = self.name_of(&path, &system);
        let inside = std::path::absolute(&self.project.dir).ok();
        let inside =
            inside.and_then(|dir| around.strip_prefix(&format!("{}/", dir.to_string_lossy())).map(str::to_string));
        let written = serde_json::Value::from(inside.unwrap_or(around));
        let note =
            format!("# Say where these files lie, under `sources:` in `marquetry.yml`:\n#   {system}: {written}");
        Ok(Files { system, location, path, table, note: Some(note) })
    }

    /// A table's name made of the last word of its path that has one; with its system's name where
    /// the word names a table already.
    fn name_of(&self, path: &str, system: &str) -> TableName {
        // `part-00000` and patterns name files of a table, not the table.
        let named = |word: &&str| !word.contains(['*', '?']) && !word.starts_with("part-");
        let words = path.rsplit('/').filter(named).map(|word| word.split('.').next().unwrap_or_default());
        let name = words.into_iter().find_map(plain).unwrap_or_else(|| TableName::new_unchecked("extract"));
        let sources = self.project.sources.iter().flat_map(|source| &source.spec.tables);
        let mut names =
            sources.map(|table| &table.table.value).chain(self.project.models.iter().map(|m| &m.spec.model.value));
        match names.any(|known| *known == name) {
            true => plain(&format!("{system}_{name}")).unwrap_or(name),
            false => name,
        }
    }
}

/// A place taken apart into the folder and the files in it; of a folder, all of them.
fn split_place(place: &str) -> (String, String) {
    match place.rsplit_once('/') {
        Some((folder, file)) if file.contains(['.', '*']) => (folder.to_string(), file.to_string()),
        None if place.contains(['.', '*']) && !matches!(place, "." | "..") => (".".to_string(), place.to_string()),
        _ => (place.to_string(), String::new()),
    }
}

/// A word as a name, where it has letters or digits to make one of.
fn plain(word: &str) -> Option<TableName> {
    let kept: String = word.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    TableName::new(kept.trim_matches('_'))
}
