//! Column builders and the `table!` macro: a row struct in, a record batch out.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};

/// Builds one column.
pub(super) trait Column: Default {
    /// What a row gives to it.
    type Item<'a>;
    /// Its type in the file; every column is nullable, as in the extracts of connectors.
    fn data_type() -> DataType;
    /// Appends one value.
    fn push(&mut self, item: Self::Item<'_>);
    /// The column so far; the builder starts afresh.
    fn finish(&mut self) -> ArrayRef;
}

/// Builds one table of the sample.
pub(super) trait Table: Default {
    /// One row of it.
    type Row<'a>;
    /// The system it is extracted from.
    const SYSTEM: &'static str;
    /// Its name there.
    const NAME: &'static str;
    /// Its columns.
    fn schema() -> SchemaRef;
    /// Appends one row.
    fn push(&mut self, row: Self::Row<'_>);
    /// Rows since the last [`Table::finish`].
    fn len(&self) -> usize;
    /// The columns so far; the builders start afresh.
    fn finish(&mut self) -> Vec<ArrayRef>;
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident, $builder:ty, $item:ty, $type:expr, $append:ident) => {
        $(#[$doc])*
        pub(super) struct $name($builder);

        impl Default for $name {
            fn default() -> Self {
                Self(fresh::<$builder>($type))
            }
        }

        impl Column for $name {
            type Item<'a> = $item;
            fn data_type() -> DataType {
                $type
            }
            fn push(&mut self, item: Self::Item<'_>) {
                self.0.$append(item);
            }
            fn finish(&mut self) -> ArrayRef {
                Arc::new(self.0.finish())
            }
        }
    };
}

/// A builder that can be made for a type; the types are those of this file and always fit.
trait Fresh {
    fn fresh(data_type: DataType) -> Self;
}

macro_rules! fresh {
    ($($typed:ty),+; $($plain:ty),+) => {
        $(impl Fresh for $typed {
            fn fresh(data_type: DataType) -> Self {
                Self::new().with_data_type(data_type)
            }
        })+
        $(impl Fresh for $plain {
            fn fresh(_: DataType) -> Self {
                Self::new()
            }
        })+
    };
}

fresh!(TimestampMicrosecondBuilder, Decimal128Builder, Date32Builder, Int64Builder; StringBuilder, BooleanBuilder);

fn fresh<T: Fresh>(data_type: DataType) -> T {
    T::fresh(data_type)
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

column!(/// Text.
    Text, StringBuilder, &'a str, DataType::Utf8, append_value);
column!(/// Text or null.
    TextOpt, StringBuilder, Option<&'a str>, DataType::Utf8, append_option);
column!(/// A whole number.
    Int, Int64Builder, i64, DataType::Int64, append_value);
column!(/// A whole number or null.
    IntOpt, Int64Builder, Option<i64>, DataType::Int64, append_option);
column!(/// True or false.
    Flag, BooleanBuilder, bool, DataType::Boolean, append_value);
column!(/// Microseconds since the epoch, UTC.
    Instant, TimestampMicrosecondBuilder, i64, instant(), append_value);
column!(/// Microseconds since the epoch, UTC, or null.
    InstantOpt, TimestampMicrosecondBuilder, Option<i64>, instant(), append_option);
column!(/// Money in cents, stored as decimal(18, 2).
    Money, Decimal128Builder, i128, DataType::Decimal128(18, 2), append_value);
column!(/// Money in cents or null, stored as decimal(18, 2).
    MoneyOpt, Decimal128Builder, Option<i128>, DataType::Decimal128(18, 2), append_option);
column!(/// Days since the epoch.
    Date, Date32Builder, i32, DataType::Date32, append_value);
column!(/// Days since the epoch or null.
    DateOpt, Date32Builder, Option<i32>, DataType::Date32, append_option);

/// Declares a table: its builder, and the struct of one row with a field for every column.
macro_rules! table {
    ($(#[$doc:meta])* $table:ident, $row:ident, $system:literal, $name:literal;
     $($column:ident: $kind:ident,)+) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $table { len: usize, $($column: $kind,)+ }

        $(#[$doc])*
        pub(super) struct $row<'a> {
            $(pub(super) $column: <$kind as $crate::sample::columns::Column>::Item<'a>,)+
        }

        impl $crate::sample::columns::Table for $table {
            type Row<'a> = $row<'a>;
            const SYSTEM: &'static str = $system;
            const NAME: &'static str = $name;

            fn schema() -> arrow::datatypes::SchemaRef {
                use $crate::sample::columns::Column;
                std::sync::Arc::new(arrow::datatypes::Schema::new(vec![$(
                    // `type` and its like are written as raw identifiers.
                    arrow::datatypes::Field::new(
                        stringify!($column).trim_start_matches("r#"), $kind::data_type(), true),
                )+]))
            }

            fn push(&mut self, row: $row<'_>) {
                use $crate::sample::columns::Column;
                self.len += 1;
                $(self.$column.push(row.$column);)+
            }

            fn len(&self) -> usize {
                self.len
            }

            fn finish(&mut self) -> Vec<arrow::array::ArrayRef> {
                use $crate::sample::columns::Column;
                self.len = 0;
                vec![$(self.$column.finish(),)+]
            }
        }
    };
}

pub(super) use table;
