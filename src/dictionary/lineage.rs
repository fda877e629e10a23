//! What follows from the direct lineage: source columns, and who reads what.

use std::collections::{BTreeMap, BTreeSet};

use super::{ColumnLink, Document};

/// Each column's direct lineage; the columns of sources are there with none.
type Edges = BTreeMap<ColumnLink, Vec<ColumnLink>>;

impl Document {
    /// Fills in what the direct lineage implies: for every column the source columns it goes back
    /// to and the columns made of it, for every table the tables that read it. A table that a
    /// column is made of counts as upstream even where `upstream` does not name it.
    ///
    /// The result does not depend on the order of tables, and calling it twice changes nothing.
    pub fn link(&mut self) {
        self.complete_upstream();
        let edges = self.edges();
        let used_by = invert(&edges);
        let models: BTreeSet<String> = self.tables.iter().map(|t| t.name.clone()).collect();
        for table in &mut self.tables {
            for column in &mut table.columns {
                let here = ColumnLink { table: table.name.clone(), column: column.name.clone() };
                column.sources = leaves(&here, &edges, &models);
                column.used_by = used_by.get(&here).cloned().unwrap_or_default();
            }
        }
        for source in &mut self.sources {
            for column in &mut source.columns {
                let here = ColumnLink { table: source.name.clone(), column: column.name.clone() };
                column.used_by = used_by.get(&here).cloned().unwrap_or_default();
            }
        }
        self.fill_downstream();
    }

    fn complete_upstream(&mut self) {
        for table in &mut self.tables {
            let mut upstream: BTreeSet<String> = table.upstream.drain(..).collect();
            upstream.extend(table.columns.iter().flat_map(|c| &c.lineage).map(|l| l.table.clone()));
            upstream.remove(&table.name);
            table.upstream = upstream.into_iter().collect();
        }
    }

    fn fill_downstream(&mut self) {
        let mut readers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for table in &self.tables {
            for upstream in &table.upstream {
                readers.entry(upstream.clone()).or_default().insert(table.name.clone());
            }
        }
        let of = |name: &str| readers.get(name).into_iter().flatten().cloned().collect();
        for table in &mut self.tables {
            table.downstream = of(&table.name);
        }
        for source in &mut self.sources {
            source.downstream = of(&source.name);
        }
    }

    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for table in &self.tables {
            for column in &table.columns {
                let here = ColumnLink { table: table.name.clone(), column: column.name.clone() };
                edges.insert(here, column.lineage.clone());
            }
        }
        edges
    }
}

/// The columns that are made of each column, sorted.
fn invert(edges: &Edges) -> Edges {
    let mut inverse: BTreeMap<ColumnLink, BTreeSet<ColumnLink>> = BTreeMap::new();
    for (column, made_of) in edges {
        for origin in made_of {
            inverse.entry(origin.clone()).or_default().insert(column.clone());
        }
    }
    inverse.into_iter().map(|(origin, made)| (origin, made.into_iter().collect())).collect()
}

/// The columns outside the models that `start` goes back to, sorted. A walk with a visited set:
/// it ends whatever the lineage looks like, and a deep chain of models needs no deep stack.
fn leaves(start: &ColumnLink, edges: &Edges, models: &BTreeSet<String>) -> Vec<ColumnLink> {
    let mut seen: BTreeSet<&ColumnLink> = BTreeSet::new();
    let mut found: BTreeSet<&ColumnLink> = BTreeSet::new();
    let mut open: Vec<&ColumnLink> = edges.get(start).into_iter().flatten().collect();
    while let Some(link) = open.pop() {
        if !seen.insert(link) {
            continue;
        }
        if models.contains(&link.table) {
            open.extend(edges.get(link).into_iter().flatten());
        } else {
            found.insert(link);
        }
    }
    found.into_iter().cloned().collect()
}
