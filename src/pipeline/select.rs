//! `--select` and `--exclude` in dbt's graph syntax.
//!
//! A selector is a name, a pattern with `*`, `tag:…`, `path:…` or just a path, `kind:…`, `owner:…` or
//! `source:…`, with `+` or a number and `+` on either side for what it is made from and what is made
//! from it, or `@` before it. Source tables and seeds are where that may begin: only models are run.
//! Selectors apart by spaces are united, by commas intersected.

use std::collections::BTreeSet;

use super::Session;
use crate::diag::{Diagnostic, codes};
use crate::error::{Error, Result};
use crate::project::load::Project;
use crate::project::names::Origin;
use crate::project::resolve::{Graph, Model};
use crate::syntax::TableName;

/// The selected models, by index.
pub(super) fn models(
    graph: &Graph,
    project: &Project,
    select: &[String],
    exclude: &[String],
    session: &mut Session,
) -> Result<BTreeSet<usize>> {
    let chooser = Chooser { graph, project };
    let all: BTreeSet<usize> = graph.models.iter().map(|model| model.index).collect();
    let mut chosen = if select.is_empty() { all } else { chooser.union(select, session)? };
    for index in chooser.union(exclude, session)? {
        chosen.remove(&index);
    }
    if chosen.is_empty() && !graph.models.is_empty() {
        return Err(Error::project("no model is selected").with_hint("`marquetry ls` shows what there is"));
    }
    Ok(chosen)
}

struct Chooser<'a> {
    graph: &'a Graph,
    project: &'a Project,
}

/// How far to follow the graph from a model.
#[derive(Clone, Copy)]
enum Reach {
    None,
    Steps(usize),
    All,
}

impl Reach {
    /// How far is left after one step; `None` where not even that is to be taken.
    fn after_a_step(self) -> Option<Self> {
        match self {
            Self::None | Self::Steps(0) => None,
            Self::Steps(steps) => Some(Self::Steps(steps - 1)),
            Self::All => Some(Self::All),
        }
    }
}

impl Chooser<'_> {
    fn union(&self, selectors: &[String], session: &mut Session) -> Result<BTreeSet<usize>> {
        let mut chosen = BTreeSet::new();
        for selector in selectors.iter().flat_map(|text| text.split_whitespace()) {
            let mut parts = selector.split(',').map(|part| self.one(part, session));
            let first = parts.next().unwrap_or_else(|| Ok(BTreeSet::new()))?;
            let both = parts.try_fold(first, |both, part| Ok::<_, Error>(&both & &part?))?;
            chosen.extend(both);
        }
        Ok(chosen)
    }

    fn one(&self, text: &str, session: &mut Session) -> Result<BTreeSet<usize>> {
        let wrong = || {
            Error::project(format!("`{text}` is not a selector"))
                .with_hint("write it as in `+fct_touches`, `tag:nightly`, `path:models/marts`, `source:ga4+`")
        };
        let (name, upstream, downstream) = reach(text).ok_or_else(wrong)?;
        let start = self.matching(name).ok_or_else(wrong)?;
        let tables = self.tables(name);
        let mut chosen = start.clone();
        chosen.extend(self.follow(&start, upstream, |from, to| self.reads(from, to)));
        let mut below = self.follow(&start, downstream, |from, to| self.reads(to, from));
        if let Some(further) = downstream.after_a_step() {
            let reads = |model: &&Model| model.waits_for().any(|table| tables.contains(table));
            let first: BTreeSet<usize> = self.graph.models.iter().filter(reads).map(|model| model.index).collect();
            below.extend(self.follow(&first, further, |from, to| self.reads(to, from)));
            below.extend(first);
        }
        if start.is_empty() && below.is_empty() {
            session.diags.push(self.nothing(name, tables.first().filter(|_| downstream.after_a_step().is_none())));
        }
        if text.starts_with('@') {
            chosen.extend(self.follow(&below, Reach::All, |from, to| self.reads(from, to)));
        }
        chosen.extend(below);
        Ok(chosen)
    }

    /// That a selector selects no model; of a `table`, those that are made from it could be.
    fn nothing(&self, name: &str, table: Option<&&TableName>) -> Diagnostic {
        let found = Diagnostic::warning(codes::BAD_SELECTOR, None, format!("`{name}` selects no model"));
        match table {
            Some(_) => found.hint(format!("`{name}+` selects the models that are made from it")),
            None => {
                let sources = self.project.sources.iter().map(|source| format!("source:{}", source.spec.source));
                let names = self.graph.names.iter().map(|(table, _)| table.to_string());
                let all: Vec<String> = names.chain(sources).collect();
                found.did_you_mean(name, all.iter().map(String::as_str))
            }
        }
    }

    /// The source tables and seeds of that name, or of that source: `source:ga4`, `source:ga4.ga4_event`.
    fn tables(&self, name: &str) -> BTreeSet<&TableName> {
        let tables = self.graph.names.iter().filter(|(table, origin)| match (name.strip_prefix("source:"), origin) {
            (_, Origin::Model(_)) | (Some(_), Origin::Seed(_)) => false,
            (None, _) => glob(name, table.as_str()),
            (Some(wanted), Origin::Source(file, _)) => {
                let (system, of_it) = wanted.split_once('.').unwrap_or((wanted, "*"));
                let source = self.project.sources.get(*file);
                source.is_some_and(|source| glob(system, source.spec.source.as_str())) && glob(of_it, table.as_str())
            }
        });
        tables.map(|(table, _)| table).collect()
    }

    fn matching(&self, name: &str) -> Option<BTreeSet<usize>> {
        let bare = if name.contains('/') { "path" } else { "name" };
        let (method, value) = name.split_once(':').unwrap_or((bare, name));
        let test: Box<dyn Fn(&Model) -> bool> = match method {
            "name" => Box::new(move |model| glob(value, model.name.as_str())),
            "tag" => Box::new(move |model| {
                self.file(model).is_some_and(|file| file.spec.tags.iter().any(|tag| glob(value, tag)))
            }),
            "owner" => Box::new(move |model| {
                self.file(model).and_then(|file| file.spec.owner.as_deref()).is_some_and(|owner| glob(value, owner))
            }),
            "kind" => Box::new(move |model| glob(value, model.kind.name())),
            "path" => {
                let value = value.trim_start_matches("./").trim_end_matches('/');
                Box::new(move |model| {
                    self.file(model).is_some_and(|file| {
                        let path = file.path.to_string_lossy().replace('\\', "/");
                        matches!(value, "" | ".") || glob(value, &path) || glob(&format!("{value}/*"), &path)
                    })
                })
            }
            // A source is no model; what is made from its tables may be selected.
            "source" => Box::new(|_| false),
            _ => return None,
        };
        Some(self.graph.models.iter().filter(|model| test(model)).map(|model| model.index).collect())
    }

    fn file(&self, model: &Model) -> Option<&crate::project::load::Written<crate::project::spec::ModelFile>> {
        self.project.models.get(model.index)
    }

    /// Whether model `from` reads a table of model `to`, or is checked against one.
    fn reads(&self, from: &Model, to: &Model) -> bool {
        from.waits_for().any(|table| to.outputs.iter().any(|output| output.table == *table))
    }

    fn follow(&self, from: &BTreeSet<usize>, reach: Reach, edge: impl Fn(&Model, &Model) -> bool) -> BTreeSet<usize> {
        let steps = match reach {
            Reach::None => 0,
            Reach::Steps(steps) => steps,
            Reach::All => self.graph.models.len(),
        };
        let mut found = BTreeSet::new();
        let mut edge_of = from.clone();
        for _ in 0..steps {
            let at = |index: &usize| self.graph.models.iter().find(|model| model.index == *index);
            let next: BTreeSet<usize> = edge_of
                .iter()
                .filter_map(at)
                .flat_map(|model| {
                    self.graph
                        .models
                        .iter()
                        .filter(|other| edge(model, other))
                        .map(|other| other.index)
                        .collect::<Vec<_>>()
                })
                .filter(|index| !found.contains(index))
                .collect();
            if next.is_empty() {
                break;
            }
            found.extend(&next);
            edge_of = next;
        }
        found
    }
}

/// `2+name+3` taken apart: the name, how far up, how far down.
fn reach(text: &str) -> Option<(&str, Reach, Reach)> {
    if let Some(name) = text.strip_prefix('@') {
        return (!name.is_empty()).then_some((name, Reach::None, Reach::All));
    }
    let steps = |text: &str| if text.is_empty() { Some(Reach::All) } else { text.parse().ok().map(Reach::Steps) };
    let mut name = text;
    let (mut up, mut down) = (Reach::None, Reach::None);
    if let Some((before, after)) = name.split_once('+')
        && before.chars().all(|c| c.is_ascii_digit())
    {
        up = steps(before)?;
        name = after;
    }
    if let Some((before, after)) = name.rsplit_once('+') {
        down = steps(after)?;
        name = before;
    }
    (!name.is_empty() && !name.contains('+')).then_some((name, up, down))
}

/// Whether `text` matches a pattern in which `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs() {
        for (pattern, text, matches) in [
            ("touches", "touches", true),
            ("touches", "touches_x", false),
            ("fct_*", "fct_credits", true),
            ("*_x_*", "a_x_b", true),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }
}
