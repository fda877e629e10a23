//! Reading a project's files: `marquetry.yml`, `schemas/*.yml`, and everything under `models/`.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::env;
use super::spec::{ModelFile, ProjectFile};
use crate::diag::{Diagnostic, Diagnostics, Sources, codes};
use crate::store::Env;
use crate::syntax::{Node, Value, parse, read, read_tree};
use crate::syntax::{SeedSpec, SourceSpec};

/// The name of the file that makes a folder a project.
pub const PROJECT_FILE: &str = "marquetry.yml";
/// The most files that one project may have.
const MAX_FILES: usize = 20_000;

/// A project as it is written: every file is well formed, but names may lead nowhere.
#[derive(Debug)]
pub struct Project {
    /// The project's folder.
    pub dir: PathBuf,
    /// `marquetry.yml`.
    pub file: ProjectFile,
    /// The models, in the order of their paths.
    pub models: Vec<Written<ModelFile>>,
    /// The seeds, in the order of their paths.
    pub seeds: Vec<Written<SeedSpec>>,
    /// The source contracts, in the order of their paths.
    pub sources: Vec<Written<SourceSpec>>,
    /// Tables that files with mistakes seem to declare: nothing is known of them but their names.
    pub broken: BTreeSet<String>,
}

/// A file's content, with the path it was read from.
#[derive(Debug)]
pub struct Written<T> {
    /// Relative to the project's folder.
    pub path: PathBuf,
    /// The file's number in [`Sources`].
    pub file: u32,
    /// What it says.
    pub spec: T,
}

/// Reads all files of the project in `dir`; what is wrong with any of them goes to `diags`.
///
/// There is a project even where files were wrong, as long as `marquetry.yml` could be read, so
/// that later stages can look at the rest; the caller must not go on to run it.
pub fn load(dir: &Path, vars: &Env, texts: &mut Sources, diags: &mut Diagnostics) -> Option<Project> {
    let path = dir.join(PROJECT_FILE);
    if !path.is_file() {
        let message = format!("there is no `{PROJECT_FILE}` in `{}`", dir.display());
        let hint = "change to a project's folder, name it with `--project`, or make one with `marquetry init`";
        diags.push(Diagnostic::error(codes::NO_PROJECT, None, message).hint(hint));
        return None;
    }
    let mut reader = Reader { dir, texts, diags, broken: BTreeSet::new() };
    let file = reader.project_file(vars);
    let mut models = Vec::new();
    let mut seeds = Vec::new();
    for path in reader.files("models", true) {
        match reader.model_or_seed(&path) {
            Some(ModelOrSeed::Model(model)) => models.push(*model),
            Some(ModelOrSeed::Seed(seed)) => seeds.push(*seed),
            None => {}
        }
    }
    let schemas = reader.files("schemas", false);
    let sources = schemas.iter().filter_map(|path| reader.written(path)).collect();
    let broken = reader.broken;
    Some(Project { dir: dir.to_path_buf(), file: file?, models, seeds, sources, broken })
}

enum ModelOrSeed {
    Model(Box<Written<ModelFile>>),
    Seed(Box<Written<SeedSpec>>),
}

struct Reader<'a> {
    dir: &'a Path,
    texts: &'a mut Sources,
    diags: &'a mut Diagnostics,
    broken: BTreeSet<String>,
}

impl Reader<'_> {
    /// The YAML files of a folder, sorted by path, so that nothing depends on the file system.
    fn files(&mut self, folder: &str, deep: bool) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![PathBuf::from(folder)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(self.dir.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let path = folder.join(entry.file_name());
                let is_yaml = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && deep => folders.push(path),
                    Ok(_) if is_yaml => found.push(path),
                    _ => {}
                }
            }
        }
        found.sort();
        if found.len() > MAX_FILES {
            let message = format!("`{folder}` holds {} files, more than the {MAX_FILES} that are read", found.len());
            self.diags.push(Diagnostic::error(codes::UNREADABLE_FILE, None, message));
            found.truncate(MAX_FILES);
        }
        found
    }

    fn text(&mut self, path: &Path) -> Option<(u32, String)> {
        match fs::read_to_string(self.dir.join(path)) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_string);
                Some((self.texts.add(path, text.clone()), text))
            }
            Err(error) => {
                let not_text = error.kind() == ErrorKind::InvalidData;
                let why = if not_text { "it is not UTF-8".to_string() } else { error.to_string() };
                let message = format!("`{}` cannot be read: {why}", path.display());
                let hint = not_text.then(|| "save it as text in UTF-8".to_string());
                self.diags.push(Diagnostic::error(codes::UNREADABLE_FILE, None, message).maybe_hint(hint));
                None
            }
        }
    }

    fn written<T: for<'de> Deserialize<'de>>(&mut self, path: &Path) -> Option<Written<T>> {
        let (file, text) = self.text(path)?;
        let spec = read(file, &text, self.diags);
        self.note_broken(spec.is_none(), &text);
        Some(Written { path: path.to_path_buf(), file, spec: spec? })
    }

    fn project_file(&mut self, vars: &Env) -> Option<ProjectFile> {
        let (file, text) = self.text(Path::new(PROJECT_FILE))?;
        let mut tree = parse(file, &text, self.diags)?;
        let before = self.diags.len();
        env::expand(&mut tree, vars, self.diags);
        let spec = read_tree(tree, self.diags);
        spec.filter(|_| self.diags.len() == before)
    }

    /// A file under `models/` is a seed where it has the key `seed`, else a model.
    fn model_or_seed(&mut self, path: &Path) -> Option<ModelOrSeed> {
        let (file, text) = self.text(path)?;
        let read = parse(file, &text, self.diags).and_then(|tree| self.typed(path, file, tree));
        self.note_broken(read.is_none(), &text);
        read
    }

    fn typed(&mut self, path: &Path, file: u32, tree: Node) -> Option<ModelOrSeed> {
        let path = path.to_path_buf();
        if has_key(&tree, "seed") && !has_key(&tree, "model") {
            let spec = read_tree(tree, self.diags)?;
            return Some(ModelOrSeed::Seed(Box::new(Written { path, file, spec })));
        }
        let spec = read_tree(tree, self.diags)?;
        Some(ModelOrSeed::Model(Box::new(Written { path, file, spec })))
    }

    /// Remembers the tables of a file with mistakes by its lines alone, so that whoever reads them
    /// is not told that they do not exist.
    fn note_broken(&mut self, broken: bool, text: &str) {
        let lines = text.lines().filter(|_| broken).map(|line| line.trim_start().trim_start_matches("- "));
        let named = lines.filter_map(|line| {
            let rest = ["model:", "seed:", "table:"].iter().find_map(|key| line.strip_prefix(key))?;
            rest.split_whitespace().next()
        });
        self.broken.extend(named.map(|name| name.trim_matches(['"', '\'']).to_string()));
    }
}

fn has_key(node: &Node, wanted: &str) -> bool {
    matches!(&node.value, Value::Map(entries) if entries.iter().any(|(key, _, _)| key == wanted))
}
