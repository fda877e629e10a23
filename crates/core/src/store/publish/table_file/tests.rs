//! What is written is read back by another reader: values, NULLs, bounds of chunks and of pages.

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, Int64Array, StringArray, UInt8Array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector, statistics::StatisticsConverter,
};
use parquet::file::metadata::PageIndexPolicy;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Writes batches of one schema to a file and gives its bytes.
async fn written(batches: &[RecordBatch]) -> Bytes {
    compressed(batches, Codec::Zstd).await
}

async fn compressed(batches: &[RecordBatch], codec: Codec) -> Bytes {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let sink = BufWriter::new(Arc::clone(&store), Path::from("x"));
    let properties = WriterProperties::builder().build();
    let mut file = TableFile::begin("x".to_string(), sink, &batches[0].schema(), codec, properties).unwrap();
    for batch in batches {
        file.write(batch).await.unwrap();
    }
    let metadata = file.finish().await.unwrap();
    let bytes = store.get(&Path::from("x")).await.unwrap().bytes().await.unwrap();
    assert_eq!(file.bytes_written(), bytes.len());
    assert_eq!(metadata.file_metadata().num_rows() as usize, batches.iter().map(RecordBatch::num_rows).sum::<usize>());
    bytes
}

fn builder(bytes: &Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).unwrap()
}

fn read(bytes: &Bytes) -> Vec<Option<String>> {
    texts(builder(bytes).build().unwrap().map(Result::unwrap))
}

fn texts(batches: impl Iterator<Item = RecordBatch>) -> Vec<Option<String>> {
    let all = batches.map(|batch| cast(batch.column(0), &DataType::Utf8).unwrap());
    all.flat_map(|array| array.as_string::<i32>().iter().map(|v| v.map(str::to_string)).collect::<Vec<_>>()).collect()
}

fn encoded(rows: &[Option<String>], to: &DataType, nullable: bool) -> RecordBatch {
    let plain: ArrayRef = Arc::new(rows.iter().cloned().collect::<StringArray>());
    let schema = Schema::new(vec![Field::new("t", to.clone(), nullable)]);
    RecordBatch::try_new(Arc::new(schema), vec![cast(&plain, to).unwrap()]).unwrap()
}

fn dictionary(key: DataType, value: DataType) -> DataType {
    DataType::Dictionary(Box::new(key), Box::new(value))
}

/// Every page's and every chunk's bounds and NULLs against the rows that lie there.
fn bounds_hold(bytes: &Bytes, rows: &[Option<String>]) {
    let builder = builder(bytes);
    let metadata = builder.metadata().clone();
    let converter = StatisticsConverter::try_new("t", builder.schema(), builder.parquet_schema()).unwrap();
    let groups: Vec<usize> = (0..metadata.num_row_groups()).collect();
    let (index, offsets) = (metadata.column_index().unwrap(), metadata.offset_index().unwrap());
    let (mins, maxes) = (
        converter.data_page_mins(index, offsets, &groups).unwrap(),
        converter.data_page_maxes(index, offsets, &groups).unwrap(),
    );
    let nulls = converter.data_page_null_counts(index, offsets, &groups).unwrap();
    let counts = converter.data_page_row_counts(offsets, metadata.row_groups(), &groups).unwrap().unwrap();
    let (mins, maxes) = (mins.as_string::<i32>(), maxes.as_string::<i32>());
    let mut start = 0;
    for page in 0..counts.len() {
        let end = start + counts.value(page) as usize;
        let here = rows[start..end].iter().flatten();
        assert_eq!(nulls.value(page) as usize, end - start - here.clone().count());
        assert!(here.clone().all(|text| text.as_str() >= mins.value(page) && text.as_str() <= maxes.value(page)));
        assert_eq!(here.count() == 0, mins.is_null(page));
        start = end;
    }
    assert_eq!(start, rows.len());
    let (mins, maxes) = (
        converter.row_group_mins(metadata.row_groups()).unwrap(),
        converter.row_group_maxes(metadata.row_groups()).unwrap(),
    );
    let shortest = |text: &String| text.len() <= 64;
    if let (Some(least), Some(greatest)) = (rows.iter().flatten().min(), rows.iter().flatten().max())
        && groups.len() == 1
        && shortest(least)
        && shortest(greatest)
    {
        assert_eq!(mins.as_string::<i32>().value(0), least);
        assert_eq!(maxes.as_string::<i32>().value(0), greatest);
    }
}

fn random_rows(rng: &mut ChaCha8Rng, count: usize, distinct: u32, null_share: f64) -> Vec<Option<String>> {
    let text = |rng: &mut ChaCha8Rng| {
        let number = rng.random_range(0..distinct);
        match number % 7 {
            0 => String::new(),
            1 => format!("value {number} that is longer than a view holds"),
            2 => format!("{} {number}", "é".repeat(50)),
            _ => number.to_string(),
        }
    };
    let mut rows = Vec::new();
    while rows.len() < count {
        let row = if rng.random_bool(null_share) { None } else { Some(text(rng)) };
        rows.extend(std::iter::repeat_n(row, rng.random_range(1..40)));
    }
    rows.truncate(count);
    rows
}

#[tokio::test]
async fn every_encoding_at_every_batch_size_reads_back() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let types = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary(DataType::Int32, DataType::Utf8),
        dictionary(DataType::UInt16, DataType::LargeUtf8),
    ];
    for (round, size) in [1, 2, 7, 50, 8192, 100_000].into_iter().enumerate() {
        for to in &types {
            let count = [300, 600, 900, 4_000, 45_000, 60_000][round];
            let null_share = [0.0, 0.3, 1.0][rng.random_range(0..3)];
            let distinct = [1, 2, 30, 2_000][rng.random_range(0..4)];
            let rows = random_rows(&mut rng, count, distinct, null_share);
            let nullable = null_share > 0.0 || round % 2 == 0;
            let batches: Vec<RecordBatch> = rows.chunks(size).map(|rows| encoded(rows, to, nullable)).collect();
            let codec = [Codec::Zstd, Codec::Snappy][rng.random_range(0..2)];
            let bytes = compressed(&batches, codec).await;
            assert_eq!(read(&bytes), rows, "{to}, batches of {size}, {codec:?}");
            let metadata = builder(&bytes).metadata().row_group(0).column(0).compression();
            assert_eq!(metadata, codec.parquet());
            bounds_hold(&bytes, &rows);
        }
    }
}

#[tokio::test]
async fn a_column_of_too_many_values_goes_on_as_plain_text() {
    let rows: Vec<Option<String>> =
        (0..150_000).map(|n| (n % 11 != 0).then(|| format!("identifier number {n:08}"))).collect();
    for to in [DataType::Utf8View, dictionary(DataType::Int32, DataType::Utf8)] {
        let batches: Vec<RecordBatch> = rows.chunks(8_192).map(|rows| encoded(rows, &to, true)).collect();
        let bytes = written(&batches).await;
        assert_eq!(read(&bytes), rows, "{to}");
        bounds_hold(&bytes, &rows);
    }
}

#[tokio::test]
async fn one_dictionary_for_all_batches_and_slices_of_it() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("never used")]));
    let keys: Vec<Option<u8>> = (0..50_000_u32).map(|row| (row % 5 < 4).then_some((row % 3) as u8)).collect();
    let whole = DictionaryArray::new(UInt8Array::from(keys.clone()), values);
    let schema = Arc::new(Schema::new(vec![Field::new("t", whole.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(whole)]).unwrap();
    let batches: Vec<RecordBatch> = (0..50_000).step_by(777).map(|at| batch.slice(at, 777.min(50_000 - at))).collect();
    let expected: Vec<Option<String>> =
        keys.iter().map(|key| key.and_then(|key| ["b", "", "a"].get(key as usize).map(ToString::to_string))).collect();
    let expected: Vec<Option<String>> = expected.into_iter().map(|text| text.filter(|text| !text.is_empty())).collect();
    let bytes = written(&batches).await;
    assert_eq!(read(&bytes), expected);
    bounds_hold(&bytes, &expected);
}

#[tokio::test]
async fn rows_are_found_by_their_pages() {
    let rows: Vec<Option<String>> = (0..100_000).map(|n| Some(format!("{:05}", n / 10))).collect();
    let bytes = written(&[encoded(&rows, &DataType::Utf8, false)]).await;
    let selection = RowSelection::from(vec![
        RowSelector::skip(59_990),
        RowSelector::select(20),
        RowSelector::skip(30_000),
        RowSelector::select(1),
    ]);
    let found = texts(builder(&bytes).with_row_selection(selection).build().unwrap().map(Result::unwrap));
    let expected: Vec<Option<String>> = rows[59_990..60_010].iter().chain(&rows[90_010..90_011]).cloned().collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn row_groups_end_in_the_midst_of_batches_and_other_columns_go_along() {
    let count = GROUP_ROWS + 1_000;
    let schema = Arc::new(Schema::new(vec![
        Field::new("t", DataType::Utf8View, false),
        Field::new("n", DataType::Int64, true),
        Field::new("i", DataType::Int32, false),
        Field::new("v", DataType::Utf8, false),
    ]));
    let n: Int64Array = (0..count as i64).map(|n| (n % 3 > 0).then_some(n)).collect();
    let i = Int32Array::from_iter_values((0..count as i32).map(|i| i % 5));
    let t: StringArray = (0..count).map(|row| Some(["one", "two", "three"][row % 3])).collect();
    let t = cast(&t, &DataType::Utf8View).unwrap();
    let v = StringArray::from_iter_values((0..count).map(|row| row.to_string()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![t, Arc::new(n), Arc::new(i), Arc::new(v)]).unwrap();
    let bytes = written(&[batch.slice(0, 700_000), batch.slice(700_000, count - 700_000)]).await;
    let builder = builder(&bytes);
    let groups: Vec<i64> = builder.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [GROUP_ROWS as i64, 1_000]);
    // The column that went on as plain text is plain text from the start of the next group on.
    let has_dictionary =
        |group, column| builder.metadata().row_group(group).column(column).dictionary_page_offset().is_some();
    assert_eq!(
        [(0, 0), (0, 3), (1, 0), (1, 3)].map(|(group, column)| has_dictionary(group, column)),
        [true, true, true, false]
    );
    let read: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    let read = concat_batches(&read[0].schema(), &read).unwrap();
    for (column, expected) in batch.columns().iter().enumerate() {
        let read = cast(read.column(column), expected.data_type()).unwrap();
        assert_eq!(&read, expected);
    }
}

#[tokio::test]
async fn what_hardly_shrinks_is_not_compressed() {
    let count = GROUP_ROWS + 1_000;
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let drawn: Vec<i64> = (0..count).map(|_| rng.random()).collect();
    let schema = Arc::new(Schema::new(vec![
        Field::new("drawn", DataType::Int64, false),
        Field::new("id", DataType::Utf8, false),
        Field::new("counted", DataType::Int64, false),
        Field::new("word", DataType::Utf8, false),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(drawn.clone())),
        Arc::new(StringArray::from_iter_values(drawn.iter().map(|n| format!("{n:x}")))),
        Arc::new(Int64Array::from_iter_values(0..count as i64)),
        Arc::new(StringArray::from_iter_values((0..count).map(|row| format!("one of many words, {}", row % 100_000)))),
    ];
    let batch = RecordBatch::try_new(schema, columns).unwrap();
    let bytes = compressed(std::slice::from_ref(&batch), Codec::Snappy).await;
    let builder = builder(&bytes);
    let codecs: Vec<Vec<Compression>> = (builder.metadata().row_groups().iter())
        .map(|group| group.columns().iter().map(|chunk| chunk.compression()).collect())
        .collect();
    let (snappy, none) = (Compression::SNAPPY, Compression::UNCOMPRESSED);
    // Texts are tried out before the first page, numbers are not.
    assert_eq!(codecs, [[snappy, none, snappy, snappy], [none, none, snappy, snappy]]);
    let read: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(concat_batches(&batch.schema(), &read).unwrap(), batch);
}

#[tokio::test]
async fn no_rows_are_a_file_too() {
    let bytes = written(&[encoded(&[], &DataType::Utf8, true)]).await;
    assert_eq!(read(&bytes), Vec::<Option<String>>::new());
}
