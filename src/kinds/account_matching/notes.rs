//! What the operator knows and no table tells: accounts taken in, keys that too many share, aliases of no use.
//!
//! ```text
//! in    one row a note: its number      │ side tables: accounts, crosswalk?, aliases?
//! out   fact │ item │ rows
//! ```

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use super::operator::LeadWalk;
use super::tier::Tier;
use crate::engine::map::{RowAlgorithm, RowState};
use crate::error::{Error, Result};
use crate::kinds::fact;

/// Keys that more accounts have than may share one, before the tier's name.
pub(super) const COMMON_KEYS: &str = "keys_too_common: ";
/// Aliases that are not followed.
pub(super) const UNUSABLE_ALIASES: &str = "aliases_not_used";

/// Makes the notes of a walk. The accounts are ready already, unless the walk never ran.
#[derive(Debug)]
pub(super) struct Notes(pub(super) Arc<LeadWalk>);

impl Notes {
    /// How many notes there are.
    pub(super) fn count(&self) -> usize {
        1 + compared(&self.0).count() + usize::from(self.0.layout.has_aliases)
    }
}

/// The tiers of which keys are counted. Equal names are counted once, whichever of the two tiers asks for them.
fn compared(walk: &LeadWalk) -> impl Iterator<Item = Tier> {
    let tiers = &walk.rules.tiers;
    let twice = tiers.contains(&Tier::NameAndCountry);
    let all =
        tiers.iter().copied().filter(move |tier| *tier != Tier::AccountId && !(twice && *tier == Tier::SimilarName));
    all.collect::<Vec<_>>().into_iter()
}

impl RowAlgorithm for Notes {
    fn name(&self) -> &'static str {
        "AccountMatchingNotes"
    }

    fn output_schema(&self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        Arc::new(Schema::new(vec![text("fact"), text("item"), Field::new("rows", DataType::Int64, false)]))
    }

    fn start(&self, tables: &[Vec<RecordBatch>]) -> Result<Box<dyn RowState>> {
        let (index, _) = self.0.index(tables)?;
        let mut notes = vec![(fact::OUT, "accounts".to_string(), index.accounts())];
        let most = self.0.rules.bounds.most_accounts;
        notes.extend(
            compared(&self.0)
                .map(|tier| (fact::POLICY, format!("{COMMON_KEYS}{}", tier.word()), index.common(tier, most))),
        );
        if self.0.layout.has_aliases {
            notes.push((fact::POLICY, UNUSABLE_ALIASES.to_string(), index.domains.unusable()));
        }
        Ok(Box::new(Noted { notes, schema: self.output_schema() }))
    }
}

struct Noted {
    notes: Vec<(&'static str, String, usize)>,
    schema: SchemaRef,
}

impl RowState for Noted {
    fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let numbers = batch.columns().first().and_then(|column| column.as_primitive_opt::<Int64Type>());
        let numbers = numbers.map(|numbers| numbers.values().iter()).unwrap_or_default();
        let notes = numbers.map(|number| usize::try_from(*number).ok().and_then(|number| self.notes.get(number)));
        let notes = notes.collect::<Option<Vec<_>>>().ok_or_else(|| Error::internal("a note that there is not"))?;
        let rows = notes.iter().map(|(_, _, rows)| i64::try_from(*rows).unwrap_or(i64::MAX));
        Ok(RecordBatch::try_new(
            Arc::clone(&self.schema),
            vec![
                Arc::new(StringArray::from_iter_values(notes.iter().map(|(fact, _, _)| *fact))),
                Arc::new(StringArray::from_iter_values(notes.iter().map(|(_, item, _)| item))),
                Arc::new(Int64Array::from_iter_values(rows)),
            ],
        )?)
    }

    fn held_bytes(&self) -> usize {
        0
    }
}
