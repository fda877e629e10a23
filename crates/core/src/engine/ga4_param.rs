//! `ga4_param(event_params, 'page_location')`: one parameter of a GA4 event, as text.
//!
//! The BigQuery export keeps an event's parameters as a list of `{key, value}`, where the value is
//! a struct of which one member is filled: `string_value`, `int_value`, `float_value`,
//! `double_value`. The first parameter of that key is taken; numbers are written in decimal digits.
//!
//! ```text
//! [{page_location, {string: "https://a.example/"}}, {ga_session_id, {int: 7}}]
//!   ga4_param(…, 'page_location') → https://a.example/
//!   ga4_param(…, 'ga_session_id') → 7
//!   ga4_param(…, 'absent')        → NULL
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringBuilder, StructArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

/// Members of a value, the first filled one counts.
const MEMBERS: [&str; 4] = ["string_value", "int_value", "float_value", "double_value"];

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Ga4Param {
    signature: Signature,
}

impl Ga4Param {
    pub(super) fn new() -> Self {
        Self { signature: Signature::new(TypeSignature::Any(2), Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Ga4Param {
    fn name(&self) -> &str {
        "ga4_param"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::List(item), DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8] if matches!(item.data_type(), DataType::Struct(members) if members.find("key").is_some() && members.find("value").is_some()) => {
                Ok(DataType::Utf8)
            }
            _ => plan_err!(
                "ga4_param has the wrong type of arguments: it takes the list `event_params` and the name of a parameter"
            ),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [params, key] = args.args.as_slice() else { return exec_err!("ga4_param takes two arguments") };
        let ColumnarValue::Scalar(ScalarValue::Utf8(key) | ScalarValue::Utf8View(key) | ScalarValue::LargeUtf8(key)) =
            key
        else {
            return exec_err!("ga4_param takes the name of a parameter as a literal");
        };
        let params = params.to_array(args.number_rows)?;
        let Some(params) = params.as_list_opt::<i32>() else { return exec_err!("ga4_param takes a list") };
        Ok(ColumnarValue::Array(param(params, key.as_deref())?))
    }
}

/// The parameter `wanted` of each row.
fn param(params: &ListArray, wanted: Option<&str>) -> Result<ArrayRef> {
    let Some(items) = params.values().as_struct_opt() else { return exec_err!("ga4_param takes a list of structs") };
    let (Some(keys), Some(values)) = (items.column_by_name("key"), items.column_by_name("value")) else {
        return exec_err!("ga4_param takes a list of `key` and `value`");
    };
    let keys = cast(keys, &DataType::Utf8)?;
    let keys = keys.as_string::<i32>();
    let members = members(values)?;
    let mut out = StringBuilder::with_capacity(params.len(), params.len() * 16);
    for row in 0..params.len() {
        let range = params.value_offsets().get(row..row + 2).filter(|_| params.is_valid(row));
        let span = range
            .map_or(0..0, |ends| ends.first().map_or(0, |at| *at as usize)..ends.last().map_or(0, |at| *at as usize));
        let found = span.into_iter().find(|at| keys.is_valid(*at) && wanted == Some(keys.value(*at)));
        let filled = found.and_then(|at| {
            members
                .iter()
                .map(|member| member.as_string::<i32>())
                .find(|texts| texts.is_valid(at))
                .map(|texts| texts.value(at))
        });
        out.append_option(filled);
    }
    Ok(Arc::new(out.finish()))
}

/// The members of the values as text, in the order in which they count.
fn members(values: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let Some(values): Option<&StructArray> = values.as_struct_opt() else {
        return Ok(vec![cast(values, &DataType::Utf8)?]);
    };
    let there = MEMBERS.iter().filter_map(|name| values.column_by_name(name));
    Ok(there.map(|member| cast(member, &DataType::Utf8)).collect::<Result<Vec<_>, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::datatypes::{Field, Fields};

    #[test]
    fn takes_the_first_parameter_of_that_name() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b"), Some("c")]));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(7), None, None]));
        let members = Fields::from(vec![
            Field::new("string_value", DataType::Utf8, true),
            Field::new("int_value", DataType::Int64, true),
        ]);
        let values: ArrayRef = Arc::new(StructArray::new(members.clone(), vec![text, number], None));
        let keys: ArrayRef = Arc::new(StringArray::from(vec!["page", "session", "page", "page"]));
        let pair = Fields::from(vec![
            Field::new("key", DataType::Utf8, true),
            Field::new("value", DataType::Struct(members), true),
        ]);
        let items = StructArray::new(pair.clone(), vec![keys, values], None);
        // Rows: [page a, session 7], NULL, [page b, page c], [].
        let list = ListArray::new(
            Arc::new(Field::new("item", DataType::Struct(pair), true)),
            OffsetBuffer::new(vec![0, 2, 2, 4, 4].into()),
            Arc::new(items),
            Some(NullBuffer::from(vec![true, false, true, true])),
        );
        let texts = |wanted| {
            let found = param(&list, wanted).unwrap();
            found.as_string::<i32>().iter().map(|text| text.map(str::to_string)).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_string());
        assert_eq!(texts(Some("page")), [some("a"), None, some("b"), None]);
        assert_eq!(texts(Some("session")), [some("7"), None, None, None]);
        assert_eq!(texts(None), [None, None, None, None]);
    }
}
