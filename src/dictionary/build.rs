//! From a contract to the skeleton of a page; what only the project or a run knows stays empty.

use super::{ColumnLink, ColumnPage, MethodologyText, TablePage};
use crate::contract::{Classification, Column, ColumnRef, Contract, Methodology};

impl TablePage {
    /// The page of a table that `model`, of kind `kind`, writes under this contract: names, words,
    /// grain, columns and direct lineage. Everything else is empty, to be filled by the caller.
    pub fn from_contract(contract: &Contract, model: &str, kind: &str) -> Self {
        Self {
            name: contract.table.to_string(),
            model: model.to_string(),
            path: None,
            role: contract.role,
            kind: kind.to_string(),
            published: true,
            description: contract.description.clone(),
            methodology: MethodologyText::from(&contract.methodology),
            grain: contract.grain.iter().map(ToString::to_string).collect(),
            keys: Vec::new(),
            owner: None,
            tags: Vec::new(),
            classification: Classification::default(),
            checks: Vec::new(),
            rows: None,
            bytes: None,
            rejects: None,
            digest: None,
            freshness: None,
            upstream: Vec::new(),
            downstream: Vec::new(),
            columns: contract.columns.iter().map(ColumnPage::from).collect(),
            definition: None,
            location: None,
            format: None,
            facts: Vec::new(),
            exhibits: Vec::new(),
        }
    }
}

impl From<&Column> for ColumnPage {
    fn from(column: &Column) -> Self {
        Self {
            name: column.name.to_string(),
            ty: column.ty.to_string(),
            nullable: column.nullable,
            description: column.description.clone(),
            pii: column.pii,
            lineage: column.lineage.iter().map(ColumnLink::from).collect(),
            sources: Vec::new(),
            used_by: Vec::new(),
            profile: None,
        }
    }
}

impl From<&ColumnRef> for ColumnLink {
    fn from(reference: &ColumnRef) -> Self {
        Self { table: reference.table.to_string(), column: reference.column.to_string() }
    }
}

impl From<&Methodology> for MethodologyText {
    fn from(methodology: &Methodology) -> Self {
        Self {
            summary: methodology.summary.clone(),
            assumptions: methodology.assumptions.clone(),
            limits: methodology.limits.clone(),
        }
    }
}
