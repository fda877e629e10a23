//! That what an engine pushes down into scans never changes a number.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::util::pretty::pretty_format_batches;
use datafusion::common::JoinType;
use datafusion::functions::datetime::expr_fn::date_trunc;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::ParquetReadOptions;
use parquet::arrow::ArrowWriter;

use super::{Engine, Limits};
use crate::diag::Sources;

/// Seventy instants nineteen hours apart from 2024-01-01, in a Parquet file.
async fn engine(dir: &std::path::Path) -> Engine {
    let at = (0..70i64).map(|hours| 1_704_067_200_000_000 + hours * 19 * 3_600_000_000);
    let at: ArrayRef = Arc::new(at.map(Some).collect::<TimestampMicrosecondArray>().with_timezone("UTC"));
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1; 70]));
    let batch = RecordBatch::try_from_iter([("at", at), ("one", one)]).unwrap();
    let path = dir.join("events.parquet");
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let limits = Limits {
        threads: NonZeroUsize::new(2).unwrap(),
        memory_bytes: 1 << 30,
        spill_dir: None,
        batch_size: NonZeroUsize::new(8192).unwrap(),
    };
    let engine = Engine::new(limits, "2025-01-01T00:00:00Z".parse().unwrap(), Sources::default()).unwrap();
    let options = ParquetReadOptions::default();
    engine.ctx().register_parquet("events", path.to_str().unwrap(), options).await.unwrap();
    engine
}

/// The months are named as the column they are made of: a filter on the one is not one on the other.
#[tokio::test]
async fn a_join_of_groups_counts_all_rows_of_a_group() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let months = engine.ctx().sql("VALUES (TIMESTAMP '2024-01-01 00:00:00Z')").await.unwrap();
    let month = date_trunc(lit("month"), col("at")).alias("at");
    let sums = engine.ctx().table("events").await.unwrap();
    let sums = sums.aggregate(vec![month], vec![sum(col("one")).alias("n")]).unwrap();
    let joined = months.join(sums, JoinType::Inner, &["column1"], &["at"], None).unwrap();
    let shown = pretty_format_batches(&joined.collect().await.unwrap()).unwrap().to_string();
    // 31 days are 744 hours: instants 0, 19, … 741.
    assert!(shown.contains("| 40 |"), "{shown}");
}
