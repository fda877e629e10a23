//! What readers find: schema, descriptions, order, digests, old releases.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use marquetry::error::ErrorKind;
use marquetry::store::publish::{
    Change, Format, OnRefusal, Publication, Silent, Staged, TargetRoot, current_release, published_tables, release,
    releases,
};
use marquetry::syntax::TableName;

use super::world::{
    Place, TABLES, assert_no_leftovers, batch, contract, delta, file_schema, files_seen, manifest, quiet_run,
    read_file, record, rows_of, run, seen, streams, verdict,
};

async fn open(root: &TargetRoot, id: &str) -> Publication {
    Publication::open(root.clone(), id, Arc::new(Silent)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_tables_carry_descriptions_and_need_only_the_oldest_features() {
    for place in [Place::disk(), Place::s3()] {
        let root = place.root(Format::Delta);
        quiet_run(&root, "one", None).await;
        quiet_run(&root, "two", None).await;
        let table = delta(&root, "people").await.unwrap();
        let snapshot = table.snapshot().unwrap();
        assert_eq!(snapshot.version(), 1, "one log entry a release");
        let protocol = serde_json::to_value(snapshot.protocol()).unwrap();
        assert_eq!((protocol["minReaderVersion"].as_i64(), protocol["minWriterVersion"].as_i64()), (Some(1), Some(2)));
        let metadata = serde_json::to_value(snapshot.metadata()).unwrap();
        assert_eq!(metadata["description"], "The people, for tests.");
        assert_eq!(metadata["configuration"]["marquetry.grain"], "id");
        let fields: serde_json::Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        assert_eq!(fields["fields"][3]["name"], "amount");
        assert_eq!(fields["fields"][3]["type"], "decimal(12,2)");
        assert_eq!(fields["fields"][3]["metadata"]["comment"], "What it cost.");
        assert_eq!(fields["fields"][0]["nullable"], false);
        let rows: usize = snapshot.log_data().iter().map(|file| file.num_records().unwrap()).sum();
        assert_eq!(rows, rows_of(2));
        let stats: serde_json::Value =
            serde_json::from_str(&snapshot.log_data().iter().next().unwrap().stats().unwrap()).unwrap();
        assert_eq!(stats["minValues"]["release"], 2);
        assert_eq!(stats["minValues"]["channel"], "Direct");
        assert!(stats["nullCount"]["channel"].as_i64().unwrap() > 0);
        assert_eq!(seen(&root, "people").await.unwrap(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_lists_the_files_in_their_order() {
    for place in [Place::disk(), Place::s3()] {
        let root = place.root(Format::Parquet);
        quiet_run(&root, "one", None).await;
        let there = manifest(&root, "people").await.unwrap().unwrap();
        assert_eq!((there.release, there.rows), (1, rows_of(1) as u64));
        assert_eq!(there.columns[2].description, "Where they came from.");
        let lines: String = there.files.iter().map(|file| format!("{}\n", file.url)).collect();
        let path = "people/_symlink_format_manifest/manifest";
        assert!(place.everything().await.contains(path));
        let url = root.url_of(path).unwrap();
        if let Ok(file) = url.to_file_path() {
            assert_eq!(std::fs::read_to_string(file).unwrap(), lines);
        }
        for file in files_seen(&root, "people").await.unwrap().unwrap() {
            assert!(file.starts_with("people/run-one/part-"), "{file}");
            let schema = file_schema(&root, &file).await;
            assert_eq!(schema.field(2).data_type(), &DataType::Utf8, "text is plain, whatever the plan yielded");
            assert_eq!(schema.field(3).data_type(), &DataType::Decimal128(12, 2), "widened to the contract's type");
            assert_eq!(schema.field(3).metadata()["comment"], "What it cost.");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_keep_their_order_within_partitions_and_the_digest_forgets_how_they_were_split() {
    let place = Place::disk();
    let root = place.root(Format::Parquet);
    let publication = open(&root, "one").await;
    let all = batch(5);
    let mut digests = BTreeSet::new();
    for (table, (partitions, size)) in [("a", (1, 8192)), ("b", (2, 7)), ("c", (5, 1)), ("d", (3, 50))] {
        let staged = publication.stage(&contract(table), streams(&all, partitions, size)).await.unwrap();
        assert_eq!(staged.rows, rows_of(5) as u64);
        digests.insert(staged.digest.clone());
        if partitions == 1 {
            let read = read_file(&root, &staged.files[0].path).await.unwrap();
            let read = concat_batches(&read[0].schema(), &read).unwrap();
            assert_eq!(read.column(0), all.column(0));
        }
    }
    assert_eq!(digests.len(), 1, "{digests:?}");
    let other = publication.stage(&contract("e"), streams(&batch(6), 1, 8192)).await.unwrap();
    assert!(!digests.contains(&other.digest));
    publication.close().await.unwrap();
    assert!(place.everything().await.iter().all(|path| !path.ends_with(".parquet")), "nothing was published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_rows_has_a_schema() {
    for format in [Format::Delta, Format::Parquet] {
        let place = Place::disk();
        let root = place.root(format);
        let mut publication = open(&root, "one").await;
        let staged = publication.stage(&contract("people"), streams(&batch(1).slice(0, 0), 2, 8)).await.unwrap();
        assert_eq!((staged.rows, staged.files.len()), (0, 1));
        let verdicts = vec![verdict(&staged.name, true)];
        let checked = Staged::new(vec![staged]).accept(verdicts, OnRefusal::Stop).unwrap();
        publication.publish(checked, record(), &BTreeSet::new()).await.unwrap();
        publication.close().await.unwrap();
        let files = files_seen(&root, "people").await.unwrap().unwrap();
        assert_eq!(file_schema(&root, &files[0]).await.fields().len(), 5);
        assert_eq!(published_tables(&root, None).await.unwrap()[0].schema.field(0).name(), "id");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_content_commits_nothing_and_is_still_named_by_the_release() {
    for format in [Format::Delta, Format::Parquet] {
        let place = Place::disk();
        let root = place.root(format);
        let one = quiet_run(&root, "one", Some(7)).await.release;
        let before = place.everything().await;
        let two = quiet_run(&root, "two", Some(7)).await.release;
        assert_eq!((one.number, two.number), (1, 2));
        for table in &two.tables {
            assert_eq!(table.change, Change::Unchanged);
            assert_eq!(table.since, 1);
            assert_eq!(table.files, one.table(table.name.as_str()).unwrap().files);
            assert_eq!(table.version, (format == Format::Delta).then_some(0));
        }
        let mut after = place.everything().await;
        assert!(after.remove("_marquetry/releases/000002.json"));
        assert_eq!(after, before, "no file, no log entry");
        let three = quiet_run(&root, "three", Some(8)).await.release;
        assert!(three.tables.iter().all(|table| table.change == Change::Committed && table.since == 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_description_or_column_is_committed_with_the_same_rows() {
    let place = Place::disk();
    let root = place.root(Format::Delta);
    quiet_run(&root, "one", Some(7)).await;
    let mut publication = open(&root, "two").await;
    let mut changed = contract("people");
    changed.columns[4].description = "When it was, in UTC.".into();
    changed.columns.truncate(5);
    let staged = publication.stage(&changed, streams(&batch(7), 1, 50)).await.unwrap();
    let verdicts = vec![verdict(&staged.name, true)];
    let checked = Staged::new(vec![staged]).accept(verdicts, OnRefusal::Stop).unwrap();
    let release = publication.publish(checked, record(), &BTreeSet::new()).await.unwrap().release;
    publication.close().await.unwrap();
    assert_eq!(release.table("people").unwrap().change, Change::Committed);
    assert_eq!(release.table("accounts").unwrap().change, Change::Carried, "a run of one table keeps the other");
    let metadata = serde_json::to_value(delta(&root, "people").await.unwrap().snapshot().unwrap().metadata()).unwrap();
    assert!(metadata["schemaString"].as_str().unwrap().contains("When it was, in UTC."));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_releases_are_read_and_brought_back() {
    for (place, format) in [
        (Place::disk(), Format::Delta),
        (Place::s3(), Format::Delta),
        (Place::disk(), Format::Parquet),
        (Place::s3(), Format::Parquet),
    ] {
        let root = place.root(format);
        for id in ["one", "two", "three"] {
            quiet_run(&root, id, None).await;
        }
        assert_eq!(releases(&root).await.unwrap(), [1, 2, 3]);
        let old = published_tables(&root, Some(1)).await.unwrap();
        assert_eq!(old[1].table.rows, rows_of(1) as u64);
        assert!(old[1].urls().unwrap()[0].as_str().contains("people/run-one/"));

        let mut publication = open(&root, "back").await;
        let four = publication.rollback(1, record()).await.unwrap().release;
        publication.close().await.unwrap();
        assert_eq!((four.number, four.rollback_of), (4, Some(1)));
        for table in TABLES {
            assert_eq!(seen(&root, table).await.unwrap(), Some(1));
        }
        assert_eq!(four.tables[0].files, release(&root, 1).await.unwrap().tables[0].files);

        let mut publication = open(&root, "cleaner").await;
        let cleaned = publication.clean(2).await.unwrap();
        assert_eq!(cleaned.releases, [1, 2]);
        assert!(cleaned.files.iter().all(|file| file.contains("/run-two/")), "{:?}", cleaned.files);
        assert!(!cleaned.files.is_empty());
        for table in TABLES {
            assert_eq!(seen(&root, table).await.unwrap(), Some(1), "what is current stays");
        }
        assert_eq!(publication.rollback(2, record()).await.unwrap_err().kind(), ErrorKind::Project);
        publication.rollback(3, record()).await.unwrap();
        publication.clean(1).await.unwrap();
        publication.close().await.unwrap();
        assert_eq!(seen(&root, "people").await.unwrap(), Some(3));
        assert_no_leftovers(&place, &root).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_table_stops_the_run_or_stays_as_it_was() {
    let place = Place::disk();
    let root = place.root(Format::Parquet);
    quiet_run(&root, "one", None).await;
    let before = place.everything().await;
    for on_refusal in [OnRefusal::Stop, OnRefusal::KeepGoing] {
        let mut publication = open(&root, "two").await;
        let mut tables = Vec::new();
        for table in TABLES {
            tables.push(publication.stage(&contract(table), streams(&batch(2), 2, 8)).await.unwrap());
        }
        let verdicts = tables.iter().map(|table| verdict(&table.name, table.name.as_str() == "people")).collect();
        match (Staged::new(tables).accept(verdicts, on_refusal), on_refusal) {
            (Err(error), OnRefusal::Stop) => {
                assert_eq!(error.kind(), ErrorKind::Data);
                publication.close().await.unwrap();
                assert_eq!(place.everything().await, before);
            }
            (Ok(checked), OnRefusal::KeepGoing) => {
                publication.publish(checked, record(), &BTreeSet::new()).await.unwrap();
                publication.close().await.unwrap();
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    assert_eq!(seen(&root, "people").await.unwrap(), Some(2));
    assert_eq!(seen(&root, "accounts").await.unwrap(), Some(1));
    assert!(place.everything().await.iter().all(|path| !path.starts_with("accounts/run-two")));
    let release = current_release(&root).await.unwrap().unwrap();
    assert_eq!(release.tables.iter().map(|table| table.since).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_nobody_checked_is_not_published() {
    let place = Place::disk();
    let publication = open(&place.root(Format::Delta), "one").await;
    let staged = publication.stage(&contract("people"), streams(&batch(2), 2, 8)).await.unwrap();
    let error = Staged::new(vec![staged]).accept(vec![], OnRefusal::KeepGoing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    publication.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn null_in_a_column_that_promises_none_is_refused() {
    let place = Place::disk();
    let publication = open(&place.root(Format::Delta), "one").await;
    let mut strict = contract("people");
    strict.columns[2].nullable = false;
    let error = publication.stage(&strict, streams(&batch(2), 2, 8)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("column `channel` promises a value in every row"), "{error}");
    publication.close().await.unwrap();
    assert!(place.everything().await.iter().all(|path| !path.contains("people")));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_others_are_refused_before_anything_is_published() {
    let place = Place::disk();
    let root = place.root(Format::Delta);
    let log = root.url_of("people/_delta_log/").unwrap().to_file_path().unwrap();
    std::fs::create_dir_all(&log).unwrap();
    let entry = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{},"createdTime":0}}"#;
    std::fs::write(log.join("00000000000000000000.json"), entry).unwrap();
    let error = run(&root, "one", None, Arc::new(Silent)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Project, "{error}");
    assert!(error.to_string().contains("Marquetry did not make"), "{error}");
    assert_eq!(seen(&root, "accounts").await.unwrap(), None);
    assert!(releases(&root).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_releases_leave_a_checkpoint_and_can_still_be_read() {
    let place = Place::disk();
    let root = place.root(Format::Delta);
    for number in 1..=12 {
        quiet_run(&root, &format!("r{number}"), None).await;
    }
    assert_eq!(delta(&root, "people").await.unwrap().version(), Some(11));
    assert!(place.everything().await.iter().any(|path| path.ends_with(".checkpoint.parquet")));
    assert_eq!(seen(&root, "people").await.unwrap(), Some(12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_table_leaves_the_release_and_stays_where_it_is() {
    let place = Place::disk();
    let root = place.root(Format::Parquet);
    quiet_run(&root, "one", None).await;
    let mut publication = open(&root, "two").await;
    let checked = Staged::new(vec![]).accept(vec![], OnRefusal::Stop).unwrap();
    let dropped = BTreeSet::from([TableName::new_unchecked("accounts")]);
    let release = publication.publish(checked, record(), &dropped).await.unwrap().release;
    publication.clean(1).await.unwrap();
    publication.close().await.unwrap();
    assert_eq!(release.tables.len(), 1);
    assert_eq!(seen(&root, "accounts").await.unwrap(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_columns_are_those_of_the_rows() {
    let place = Place::disk();
    let publication = open(&place.root(Format::Delta), "one").await;
    let staged = publication.stage(&contract("people"), streams(&batch(1), 1, 7)).await.unwrap();
    publication.close().await.unwrap();
    let stats = |column: &str| serde_json::to_value(&staged.files[0].stats[column]).unwrap();
    // 31 rows: ids 0 to 30, an amount of one cent and as many units as the id, a row a little over each second,
    // and every third channel missing.
    assert_eq!(stats("id"), serde_json::json!({"min": 0, "max": 30, "null_count": 0}));
    assert_eq!(stats("amount"), serde_json::json!({"min": 0.01, "max": 30.01, "null_count": 0}));
    assert_eq!(stats("channel"), serde_json::json!({"min": "Direct", "max": "Paid Search", "null_count": 10}));
    let (first, last) = ("1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:30.000030Z");
    assert_eq!(stats("at"), serde_json::json!({"min": first, "max": last, "null_count": 0}));
}
