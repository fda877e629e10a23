//! The functions a plan of this kind is made with; users never see them.
//!
//! They are marked volatile although they are not: otherwise the optimizer copies them into every
//! filter above, and each row's value is mapped several times.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, ListArray, StringViewArray, StructArray, TimestampMicrosecondArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::cast::{as_string_view_array, as_timestamp_microsecond_array};
use datafusion::common::{Result as SqlResult, internal_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::keys::{Judge, When};
use super::memo::Memo;
use crate::kinds::typing::instant_type;

fn shared_hash<T>(shared: &Arc<T>, state: &mut impl Hasher) {
    (Arc::as_ptr(shared) as *const () as usize).hash(state);
}

/// `(entity, at, to[, was][, created_at])` → the change's key.
#[derive(Debug)]
pub(super) struct ChangeKey {
    judge: Arc<Judge>,
    has_was: bool,
    signature: Signature,
}

impl ChangeKey {
    /// `created` tells whether the record's creation is an argument, `has_was` whether the old value is.
    pub(super) fn function(judge: Arc<Judge>, has_was: bool, created: bool) -> ScalarUDF {
        let count = 3 + usize::from(has_was) + usize::from(created);
        ScalarUDF::from(Self { judge, has_was, signature: Signature::any(count, Volatility::Volatile) })
    }
}

impl PartialEq for ChangeKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.judge, &other.judge) && self.has_was == other.has_was
    }
}
impl Eq for ChangeKey {}
impl Hash for ChangeKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        shared_hash(&self.judge, state);
    }
}

impl ScalarUDFImpl for ChangeKey {
    fn name(&self) -> &str {
        "lifecycle_change"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> SqlResult<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> SqlResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [entity, at, to, rest @ ..] = arrays.as_slice() else { return internal_err!("a change has three parts") };
        let (was, rest) = match rest {
            [was, rest @ ..] if self.has_was => (Some(as_string_view_array(was)?), rest),
            rest => (None, rest),
        };
        let created = rest.first().map(|created| as_timestamp_microsecond_array(created)).transpose()?;
        let (at, to) = (as_timestamp_microsecond_array(at)?, as_string_view_array(to)?);
        let keys = change_keys(&self.judge, entity, at, to, was, created);
        Ok(ColumnarValue::Array(Arc::new(keys)))
    }
}

fn change_keys(
    judge: &Judge,
    entity: &ArrayRef,
    at: &TimestampMicrosecondArray,
    to: &StringViewArray,
    was: Option<&StringViewArray>,
    created: Option<&TimestampMicrosecondArray>,
) -> Int32Array {
    let entities = entity.logical_nulls();
    let mut steps = Memo::new(|value: Option<&str>, steps: &mut Vec<i32>| judge.steps(value, steps));
    let keys = at.iter().zip(to.iter()).enumerate().map(|(row, (at, to))| {
        let when = When {
            known_entity: entities.as_ref().is_none_or(|valid| valid.is_valid(row)),
            at,
            created: created.and_then(|created| created.is_valid(row).then(|| created.value(row))),
        };
        let version = judge.version(at);
        let step = steps.get(to, version);
        let was = was.filter(|was| was.is_valid(row)).map_or(0, |was| steps.get(Some(was.value(row)), version));
        judge.key(when, step, was.max(0))
    });
    Int32Array::from_iter_values(keys)
}

/// `(entity, created_at, date of stage 1, date of stage 2, …)` → one `{at, key}` for each date.
#[derive(Debug)]
pub(super) struct DateKeys {
    judge: Arc<Judge>,
    codes: Vec<u8>,
    signature: Signature,
}

impl DateKeys {
    /// `codes` are the stages of the dates, in order.
    pub(super) fn function(judge: Arc<Judge>, codes: Vec<u8>) -> ScalarUDF {
        let signature = Signature::any(2 + codes.len(), Volatility::Volatile);
        ScalarUDF::from(Self { judge, codes, signature })
    }

    fn fields() -> Fields {
        Fields::from(vec![Field::new("at", instant_type(), false), Field::new("key", DataType::Int32, false)])
    }

    fn item() -> FieldRef {
        Arc::new(Field::new("item", DataType::Struct(Self::fields()), false))
    }
}

impl PartialEq for DateKeys {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.judge, &other.judge) && self.codes == other.codes
    }
}
impl Eq for DateKeys {}
impl Hash for DateKeys {
    fn hash<H: Hasher>(&self, state: &mut H) {
        shared_hash(&self.judge, state);
        self.codes.hash(state);
    }
}

impl ScalarUDFImpl for DateKeys {
    fn name(&self) -> &str {
        "lifecycle_dates"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> SqlResult<DataType> {
        Ok(DataType::List(Self::item()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> SqlResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [entity, created, dates @ ..] = arrays.as_slice() else { return internal_err!("dates of nobody") };
        let created = as_timestamp_microsecond_array(created)?;
        let dates = dates.iter().map(|dates| as_timestamp_microsecond_array(dates)).collect::<SqlResult<Vec<_>>>()?;
        let (mut ends, mut ats, mut keys) = (vec![0_i32], Vec::new(), Vec::new());
        for row in 0..entity.len() {
            for (code, dates) in self.codes.iter().zip(&dates) {
                if dates.is_null(row) {
                    continue;
                }
                let at = dates.value(row);
                let created = created.is_valid(row).then(|| created.value(row));
                let when = When { known_entity: entity.is_valid(row), at: Some(at), created };
                let version = self.judge.version(Some(at));
                keys.push(self.judge.key(when, self.judge.step(*code, version), 0));
                ats.push(at);
            }
            ends.push(i32::try_from(ats.len()).map_err(|_| too_many())?);
        }
        let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(ats).with_timezone("UTC"));
        let key: ArrayRef = Arc::new(Int32Array::from(keys));
        let items = StructArray::try_new(Self::fields(), vec![at, key], None)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(Self::item(), offsets, Arc::new(items), None)?)))
    }
}

fn too_many() -> datafusion::common::DataFusionError {
    datafusion::common::DataFusionError::Execution("more dates in a batch than can be counted".to_string())
}
