//! Text columns however they are encoded: each distinct value is looked at as seldom as possible.

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, StringViewArray};
use arrow::datatypes::DataType;

use crate::error::{Error, Result};
use crate::views::SeenViews;

/// Calls `visit` with every row's text.
pub(super) fn each_text(array: &ArrayRef, visit: impl FnMut(Option<&str>)) -> Result<()> {
    let plain = arrow::compute::cast(array, &DataType::Utf8)?;
    plain.as_string::<i32>().iter().for_each(visit);
    Ok(())
}

/// What `look` makes of every row's text, `absent` where there is none.
///
/// `look` must give the same for the same text. It is called once for each key of a dictionary
/// that is used, and only once for most views that are repeated.
pub(super) fn map_texts<T: Copy>(array: &ArrayRef, absent: T, look: impl FnMut(&str) -> T) -> Result<Vec<T>> {
    match array.data_type() {
        DataType::Utf8View => Ok(map_views(array.as_string_view(), absent, look)),
        DataType::Utf8 => Ok(map_plain::<i32, T>(array, absent, look)),
        DataType::LargeUtf8 => Ok(map_plain::<i64, T>(array, absent, look)),
        DataType::Dictionary(_, _) => map_dictionary(array, absent, look),
        DataType::Null => Ok(vec![absent; array.len()]),
        other => Err(Error::internal(format!("a text column has the type {other}"))),
    }
}

fn map_plain<O: OffsetSizeTrait, T: Copy>(array: &ArrayRef, absent: T, mut look: impl FnMut(&str) -> T) -> Vec<T> {
    array.as_string::<O>().iter().map(|text| text.map_or(absent, &mut look)).collect()
}

fn map_dictionary<T: Copy>(array: &ArrayRef, absent: T, mut look: impl FnMut(&str) -> T) -> Result<Vec<T>> {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return Ok(vec![absent; array.len()]);
    }
    let values = arrow::compute::cast(dictionary.values(), &DataType::Utf8View)?;
    let values = values.as_string_view();
    // A slice shares its whole dictionary, so a value is looked at when a row points at it.
    let mut known: Vec<Option<T>> = vec![None; values.len()];
    let keys = dictionary.normalized_keys();
    let mapped = keys.into_iter().enumerate().map(|(row, key)| {
        if array.is_null(row) {
            return absent;
        }
        let Some(slot) = known.get_mut(key) else { return absent };
        *slot.get_or_insert_with(|| if values.is_null(key) { absent } else { look(values.value(key)) })
    });
    Ok(mapped.collect())
}

fn map_views<T: Copy>(array: &StringViewArray, absent: T, mut look: impl FnMut(&str) -> T) -> Vec<T> {
    let mut seen = SeenViews::new(array.len(), absent);
    let mut made = |(row, view): (usize, &u128)| seen.get_or(*view, || look(array.value(row)));
    let views = array.views().iter().enumerate();
    match array.nulls() {
        None => views.map(made).collect(),
        Some(nulls) => views.zip(nulls).map(|(view, valid)| if valid { made(view) } else { absent }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Int8Array, LargeStringArray, NullArray, StringArray};
    use arrow::datatypes::Int8Type;

    use super::*;

    #[test]
    fn every_encoding_gives_the_same() {
        let texts = vec![Some("a"), None, Some("a longer text than a view holds"), Some(""), Some("a")];
        let keys = Int8Array::from(vec![Some(0), None, Some(1), Some(2), Some(0)]);
        let values =
            StringArray::from(vec![Some("a"), Some("a longer text than a view holds"), Some(""), Some("unused")]);
        let dictionary = DictionaryArray::<Int8Type>::try_new(keys, Arc::new(values)).unwrap();
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(texts.clone())),
            Arc::new(LargeStringArray::from(texts.clone())),
            Arc::new(StringViewArray::from(texts.clone())),
            Arc::new(dictionary),
        ];
        for array in arrays {
            let mut unused = false;
            let lengths = map_texts(&array, 99, |text| {
                unused |= text == "unused";
                text.len()
            });
            assert_eq!(lengths.unwrap(), [1, 99, 31, 0, 1], "{}", array.data_type());
            assert!(!unused);
            let sliced = map_texts(&array.slice(2, 2), 99, str::len).unwrap();
            assert_eq!(sliced, [31, 0]);
        }
        let empty = vec![None::<&str>; 2].into_iter().collect::<DictionaryArray<Int8Type>>();
        let empty: ArrayRef = Arc::new(empty);
        assert_eq!(map_texts(&empty, 7, str::len).unwrap(), [7, 7]);
        let nothing: ArrayRef = Arc::new(NullArray::new(2));
        assert_eq!(map_texts(&nothing, 7, str::len).unwrap(), [7, 7]);
    }
}
