//! Which types of an extract stand for a declared type without loss.

use arrow::datatypes::{DataType, TimeUnit};

use crate::contract::ColumnType;

/// How the type found in a file goes with the declared one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Every value of the file is a value of the declared type.
    Same,
    /// The file can hold more; this type holds both.
    Wider(ColumnType),
    /// Values become floats, which cannot hold all of them exactly.
    Rounded,
    /// The two have nothing to do with one another.
    Retyped,
}

/// Compares a file's type with the declared one.
pub(super) fn fit(declared: ColumnType, found: &DataType) -> Fit {
    use ColumnType::{BigInt, Date, Decimal, Double, Int, Timestamp};
    if *found == DataType::Null {
        return Fit::Same;
    }
    let Some(actual) = ColumnType::of_arrow(found) else { return Fit::Retyped };
    match (declared, actual) {
        _ if declared == actual => Fit::Same,
        (Timestamp, Date) | (Double, Int) => Fit::Same,
        (Date, Timestamp) => Fit::Wider(Timestamp),
        (Double, BigInt | Decimal(..)) => Fit::Rounded,
        // Every whole number of that many digits fits.
        (BigInt, Decimal(0..=18, 0)) | (Int, Decimal(0..=9, 0)) => Fit::Same,
        (Int | BigInt | Decimal(..), Int | BigInt | Decimal(..)) => match join(declared, actual) {
            Some(both) if both == declared => Fit::Same,
            Some(both) => Fit::Wider(both),
            None => Fit::Retyped,
        },
        _ => Fit::Retyped,
    }
}

/// The smallest type that holds every value of both, where there is one.
pub(super) fn join(a: ColumnType, b: ColumnType) -> Option<ColumnType> {
    use ColumnType::{BigInt, Date, Decimal, Double, Int, Timestamp};
    match (a, b) {
        _ if a == b => Some(a),
        (Int, BigInt) | (BigInt, Int) => Some(BigInt),
        (Date, Timestamp) | (Timestamp, Date) => Some(Timestamp),
        (Double, Int | BigInt | Decimal(..)) | (Int | BigInt | Decimal(..), Double) => Some(Double),
        (Int | BigInt | Decimal(..), Int | BigInt | Decimal(..)) => {
            let ((whole_a, scale_a), (whole_b, scale_b)) = (digits(a)?, digits(b)?);
            let scale = scale_a.max(scale_b);
            let precision = whole_a.max(whole_b) + i16::from(scale);
            u8::try_from(precision).ok().filter(|p| *p <= 38).map(|precision| Decimal(precision, scale))
        }
        _ => None,
    }
}

/// Digits before the point and after it.
fn digits(ty: ColumnType) -> Option<(i16, i8)> {
    match ty {
        ColumnType::Int => Some((10, 0)),
        ColumnType::BigInt => Some((19, 0)),
        ColumnType::Decimal(precision, scale) => Some((i16::from(precision) - i16::from(scale), scale)),
        _ => None,
    }
}

/// The type in which a column that nobody declared is read: what two files can both be read as, or
/// `None` where they disagree.
pub(super) fn undeclared(a: &DataType, b: &DataType) -> Option<DataType> {
    let (a, b) = (normal(a), normal(b));
    match (&a, &b) {
        _ if a == b => Some(a),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (DataType::Dictionary(..), _) | (_, DataType::Dictionary(..)) if is_text(&a) && is_text(&b) => {
            Some(DataType::Utf8View)
        }
        _ => join(ColumnType::of_arrow(&a)?, ColumnType::of_arrow(&b)?).map(ColumnType::reading),
    }
}

/// One type for all spellings of text and of instants; the rest as it is.
pub(super) fn normal(found: &DataType) -> DataType {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => other.clone(),
    }
}

/// Whether it is text, in whatever encoding.
pub(super) fn is_text(found: &DataType) -> bool {
    ColumnType::of_arrow(found) == Some(ColumnType::Text) && *found != DataType::Null
}

/// Whether it is text that stands once in a dictionary.
pub(super) fn is_text_dictionary(found: &DataType) -> bool {
    matches!(found, DataType::Dictionary(_, value) if is_text(value))
}

/// A file's type in the words of the contract.
pub(super) fn words(found: &DataType) -> String {
    match found {
        DataType::Null => "only NULL".to_string(),
        DataType::Struct(_) => "a struct".to_string(),
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::FixedSizeList(..) => {
            "a list".to_string()
        }
        DataType::Map(..) => "a map".to_string(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "bytes".to_string()
        }
        other => match ColumnType::of_arrow(other) {
            Some(ty) => format!("`{ty}`"),
            None => format!("`{other}`").to_lowercase(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnType::{BigInt, Boolean, Date, Decimal, Double, Int, Text, Timestamp};

    #[test]
    fn what_fits_what() {
        let text_dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for (declared, found, expected) in [
            (Text, DataType::LargeUtf8, Fit::Same),
            (Text, text_dictionary, Fit::Same),
            (Text, DataType::Int64, Fit::Retyped),
            (Text, DataType::Null, Fit::Same),
            (Text, DataType::Binary, Fit::Retyped),
            (BigInt, DataType::Int16, Fit::Same),
            (BigInt, DataType::UInt32, Fit::Same),
            (Int, DataType::Int64, Fit::Wider(BigInt)),
            (Int, DataType::Float64, Fit::Retyped),
            (BigInt, DataType::Decimal128(18, 0), Fit::Same),
            (BigInt, DataType::Decimal128(38, 0), Fit::Wider(Decimal(38, 0))),
            (BigInt, DataType::Utf8, Fit::Retyped),
            (Double, DataType::Float32, Fit::Same),
            (Double, DataType::Int32, Fit::Same),
            (Double, DataType::Int64, Fit::Rounded),
            (Double, DataType::Decimal128(18, 2), Fit::Rounded),
            (Decimal(18, 2), DataType::Decimal128(10, 2), Fit::Same),
            (Decimal(18, 2), DataType::Decimal128(20, 2), Fit::Wider(Decimal(20, 2))),
            (Decimal(18, 2), DataType::Decimal128(18, 4), Fit::Wider(Decimal(20, 4))),
            (Decimal(18, 2), DataType::Int32, Fit::Same),
            (Decimal(18, 2), DataType::Int64, Fit::Wider(Decimal(21, 2))),
            (Decimal(18, 2), DataType::Float64, Fit::Retyped),
            (Decimal(38, 30), DataType::Decimal128(38, 0), Fit::Retyped),
            (Date, DataType::Date64, Fit::Same),
            (Date, DataType::Timestamp(TimeUnit::Second, None), Fit::Wider(Timestamp)),
            (Timestamp, DataType::Timestamp(TimeUnit::Nanosecond, Some("+02:00".into())), Fit::Same),
            (Timestamp, DataType::Date32, Fit::Same),
            (Timestamp, DataType::Utf8, Fit::Retyped),
            (Boolean, DataType::Int8, Fit::Retyped),
        ] {
            assert_eq!(fit(declared, &found), expected, "{declared} ← {found}");
        }
    }

    #[test]
    fn files_that_differ_meet_in_the_middle() {
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        assert_eq!(undeclared(&DataType::Int32, &DataType::Int64), Some(DataType::Int64));
        assert_eq!(undeclared(&DataType::Utf8, &DataType::LargeUtf8), Some(DataType::Utf8View));
        assert_eq!(undeclared(&dictionary, &dictionary), Some(dictionary.clone()));
        assert_eq!(undeclared(&dictionary, &DataType::Utf8), Some(DataType::Utf8View));
        assert_eq!(undeclared(&DataType::Null, &DataType::Int8), Some(DataType::Int8));
        assert_eq!(undeclared(&DataType::Utf8, &DataType::Int64), None);
    }
}
