//! The event table of web analytics, in the shape of its warehouse export.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float32Array, Float64Array, Int64Builder, ListArray, StringBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use super::columns::{Column, Instant, Int, Table, Text, TextOpt};

/// One event.
pub(super) struct EventRow<'a> {
    pub(super) event_date: &'a str,
    /// Microseconds since the epoch.
    pub(super) event_timestamp: i64,
    pub(super) event_name: &'a str,
    pub(super) event_params: &'a [(&'a str, Value<'a>)],
    pub(super) event_bundle_sequence_id: i64,
    pub(super) user_id: Option<&'a str>,
    pub(super) user_pseudo_id: Option<&'a str>,
    pub(super) user_first_touch_timestamp: i64,
    /// Category, operating system, language, browser, and seconds ahead of UTC.
    pub(super) device: ([&'a str; 4], i64),
    /// City, country, continent.
    pub(super) geo: [&'a str; 3],
    /// Name, medium, source.
    pub(super) traffic_source: [&'a str; 3],
    pub(super) _fivetran_synced: i64,
}

/// The value of a parameter: the sample has none of the floating point kinds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Int(i64),
}

/// Builds the table.
#[derive(Default)]
pub(super) struct EventTable {
    len: usize,
    event_date: Text,
    event_timestamp: Int,
    event_name: Text,
    params: Params,
    bundle: Int,
    user_id: TextOpt,
    user_pseudo_id: TextOpt,
    first_touch: Int,
    device: [Text; 4],
    zone: Int,
    geo: [Text; 3],
    traffic: [Text; 3],
    synced: Instant,
}

impl Table for EventTable {
    type Row<'a> = EventRow<'a>;
    const SYSTEM: &'static str = "ga4";
    const NAME: &'static str = "event";

    fn schema() -> SchemaRef {
        let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
        Arc::new(Schema::new(vec![
            field("event_date", DataType::Utf8),
            field("event_timestamp", DataType::Int64),
            field("event_name", DataType::Utf8),
            field("event_params", DataType::List(param())),
            field("event_bundle_sequence_id", DataType::Int64),
            field("user_id", DataType::Utf8),
            field("user_pseudo_id", DataType::Utf8),
            field("user_first_touch_timestamp", DataType::Int64),
            field("device", DataType::Struct(device_fields())),
            field("geo", DataType::Struct(texts(&GEO))),
            field("traffic_source", DataType::Struct(texts(&TRAFFIC))),
            field("stream_id", DataType::Utf8),
            field("platform", DataType::Utf8),
            field("_fivetran_synced", Instant::data_type()),
        ]))
    }

    fn push(&mut self, row: EventRow<'_>) {
        self.len += 1;
        self.event_date.push(row.event_date);
        self.event_timestamp.push(row.event_timestamp);
        self.event_name.push(row.event_name);
        self.params.push(row.event_params);
        self.bundle.push(row.event_bundle_sequence_id);
        self.user_id.push(row.user_id);
        self.user_pseudo_id.push(row.user_pseudo_id);
        self.first_touch.push(row.user_first_touch_timestamp);
        push_all(&mut self.device, row.device.0);
        self.zone.push(row.device.1);
        push_all(&mut self.geo, row.geo);
        push_all(&mut self.traffic, row.traffic_source);
        self.synced.push(row._fivetran_synced);
    }

    fn len(&self) -> usize {
        self.len
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        let rows = std::mem::take(&mut self.len);
        let [category, system, language, browser] = finish_all(&mut self.device);
        let web_info = StructArray::new(texts(&WEB_INFO), vec![browser], None);
        let device = vec![category, system, language, self.zone.finish(), Arc::new(web_info)];
        let constant = |value: &str| -> ArrayRef {
            let mut text = Text::default();
            (0..rows).for_each(|_| text.push(value));
            text.finish()
        };
        let (stream, platform) = (constant("4417062213"), constant("WEB"));
        vec![
            self.event_date.finish(),
            self.event_timestamp.finish(),
            self.event_name.finish(),
            self.params.finish(),
            self.bundle.finish(),
            self.user_id.finish(),
            self.user_pseudo_id.finish(),
            self.first_touch.finish(),
            Arc::new(StructArray::new(device_fields(), device, None)),
            Arc::new(StructArray::new(texts(&GEO), finish_all(&mut self.geo).to_vec(), None)),
            Arc::new(StructArray::new(texts(&TRAFFIC), finish_all(&mut self.traffic).to_vec(), None)),
            stream,
            platform,
            self.synced.finish(),
        ]
    }
}

const GEO: [&str; 3] = ["city", "country", "continent"];
const TRAFFIC: [&str; 3] = ["name", "medium", "source"];
const WEB_INFO: [&str; 1] = ["browser"];

fn texts(names: &[&str]) -> Fields {
    names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect()
}

fn device_fields() -> Fields {
    Fields::from(vec![
        Field::new("category", DataType::Utf8, true),
        Field::new("operating_system", DataType::Utf8, true),
        Field::new("language", DataType::Utf8, true),
        Field::new("time_zone_offset_seconds", DataType::Int64, true),
        Field::new("web_info", DataType::Struct(texts(&WEB_INFO)), true),
    ])
}

fn push_all<const N: usize>(columns: &mut [Text; N], values: [&str; N]) {
    for (column, value) in columns.iter_mut().zip(values) {
        column.push(value);
    }
}

fn finish_all<const N: usize>(columns: &mut [Text; N]) -> [ArrayRef; N] {
    columns.each_mut().map(Column::finish)
}

/// Builds `event_params`: list<struct<key, value struct<string, int, float, double>>>.
struct Params {
    offsets: Vec<i32>,
    keys: StringBuilder,
    strings: StringBuilder,
    ints: Int64Builder,
}

impl Default for Params {
    fn default() -> Self {
        Self { offsets: vec![0], keys: StringBuilder::new(), strings: StringBuilder::new(), ints: Int64Builder::new() }
    }
}

impl Params {
    fn push(&mut self, params: &[(&str, Value<'_>)]) {
        for (key, value) in params {
            self.keys.append_value(key);
            let (text, int) = match value {
                Value::Text(text) => (Some(*text), None),
                Value::Int(int) => (None, Some(*int)),
            };
            self.strings.append_option(text);
            self.ints.append_option(int);
        }
        let last = self.offsets.last().copied().unwrap_or(0);
        self.offsets.push(last + params.len() as i32);
    }

    fn finish(&mut self) -> ArrayRef {
        let keys = self.keys.finish();
        let n = keys.len();
        let values = StructArray::new(
            value_fields(),
            vec![
                Arc::new(self.strings.finish()),
                Arc::new(self.ints.finish()),
                Arc::new(Float32Array::new_null(n)),
                Arc::new(Float64Array::new_null(n)),
            ],
            None,
        );
        let params = StructArray::new(param_fields(), vec![Arc::new(keys), Arc::new(values)], None);
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        Arc::new(ListArray::new(param(), offsets, Arc::new(params), None))
    }
}

fn value_fields() -> Fields {
    Fields::from(vec![
        Field::new("string_value", DataType::Utf8, true),
        Field::new("int_value", DataType::Int64, true),
        Field::new("float_value", DataType::Float32, true),
        Field::new("double_value", DataType::Float64, true),
    ])
}

fn param_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Struct(value_fields()), true),
    ])
}

fn param() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(param_fields()), true))
}
