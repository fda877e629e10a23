//! `--select` and `--exclude` in dbt's graph syntax.
//!
//! A selector is a name, a pattern with `*`, `tag:…`, `path:…`, `kind:…` or `owner:…`, with `+` or
//! a number and `+` on either side for what it is made from and what is made from it, or `@` before
//! it. Selectors apart by spaces are united, by commas intersected.

use std::collections::BTreeSet;

use super::Session;
use crate::diag::{Diagnostic, codes};
use crate::error::{Error, Result};
use crate::project::load::Project;
use crate::project::resolve::{Graph, Model};

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
                .with_hint("write it as in `+fct_touches`, `tag:nightly`, `path:models/marts`")
        };
        let (name, upstream, downstream) = reach(text).ok_or_else(wrong)?;
        let seeds = self.matching(name).ok_or_else(wrong)?;
        if seeds.is_empty() {
            let names = self.graph.models.iter().map(|model| model.name.as_str());
            let message = format!("`{name}` selects no model");
            session.diags.push(Diagnostic::warning(codes::BAD_SELECTOR, None, message).did_you_mean(name, names));
        }
        let mut chosen = seeds.clone();
        chosen.extend(self.follow(&seeds, upstream, |from, to| self.reads(from, to)));
        let below = self.follow(&seeds, downstream, |from, to| self.reads(to, from));
        if text.starts_with('@') {
            chosen.extend(self.follow(&below, Reach::All, |from, to| self.reads(from, to)));
        }
        chosen.extend(below);
        Ok(chosen)
    }

    fn matching(&self, name: &str) -> Option<BTreeSet<usize>> {
        let (method, value) = name.split_once(':').unwrap_or(("name", name));
        let test: Box<dyn Fn(&Model) -> bool> = match method {
            "name" => Box::new(move |model| glob(value, model.name.as_str())),
            "tag" => Box::new(move |model| {
                self.file(model).is_some_and(|file| file.spec.tags.iter().any(|tag| glob(value, tag)))
            }),
            "owner" => Box::new(move |model| {
                self.file(model).and_then(|file| file.spec.owner.as_deref()).is_some_and(|owner| glob(value, owner))
            }),
            "kind" => Box::new(move |model| glob(value, model.kind.name())),
            "path" => Box::new(move |model| {
                self.file(model).is_some_and(|file| {
                    let path = file.path.to_string_lossy().replace('\\', "/");
                    glob(value, &path) || path.starts_with(&format!("{}/", value.trim_end_matches('/')))
                })
            }),
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
