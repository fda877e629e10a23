//! Data whose truth is known, where it is at hand: pairwise F1 after clustering at 0.95, one declared
//! model a data set, everything else left to the defaults.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::blocking::choose;
use super::*;

/// A table as columns of text.
struct Table(BTreeMap<String, Vec<String>>);

fn table(name: &str) -> Option<Table> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/linkage").join(name).with_extension("parquet");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let whole = concat_batches(&schema, &batches).unwrap();
    let column = |at: usize| {
        let texts = cast(whole.column(at), &DataType::Utf8).unwrap();
        texts.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_string()).collect()
    };
    Some(Table((0..whole.num_columns()).map(|at| (schema.field(at).name().clone(), column(at))).collect()))
}

/// Precision, recall and F1 over pairs of records.
fn measured(table: &Table, fields: &str, truth: &[String], keep: &[usize]) -> (f64, f64, f64) {
    let mut records = Records::new(keep.len()).unwrap();
    for field in fields.split_whitespace() {
        let (name, kind) = field.split_once(':').unwrap();
        let column = &table.0[name];
        let values: Vec<Option<&str>> = keep.iter().map(|at| Some(column[*at].as_str())).collect();
        records.add(name, kind.parse().unwrap(), values.iter().copied(), Some(nickname)).unwrap();
    }
    let made: Vec<Blocks> =
        choose(&records, 200).unwrap().iter().map(|rule| Blocks::build(rule, &records, 200).unwrap()).collect();
    let plans: Vec<FieldPlan> = records.columns().iter().map(|column| FieldPlan::of(&column.name)).collect();
    // A tenth of the default samples: enough here, and bearable without optimisation.
    let options = TrainOptions { random_pairs: 30_000, blocked_pairs: 100_000, threads: 2, ..TrainOptions::default() };
    let model = Model::train(&records, &plans, &made, &options).unwrap();
    let scorer = Scorer::new(&records, &model).unwrap();
    let mut root: Vec<usize> = (0..keep.len()).collect();
    scorer
        .run(&records, &made, threshold(0.95), 2, |pairs| {
            pairs.iter().for_each(|pair| join(&mut root, pair.a as usize, pair.b as usize));
            Ok(())
        })
        .unwrap();
    let clusters: Vec<usize> = (0..keep.len()).map(|at| top(&root, at)).collect();
    let truth: Vec<&str> = keep.iter().map(|at| truth[*at].as_str()).collect();
    let both = pairs_in(clusters.iter().zip(&truth));
    let (precision, recall) = (both / pairs_in(clusters.iter()), both / pairs_in(truth.iter()));
    (precision, recall, 2.0 * precision * recall / (precision + recall))
}

fn top(root: &[usize], mut at: usize) -> usize {
    while root[at] != at {
        at = root[at];
    }
    at
}

fn join(root: &mut [usize], a: usize, b: usize) {
    let (a, b) = (top(root, a), top(root, b));
    root[a.max(b)] = a.min(b);
}

/// Pairs within groups of equal keys.
fn pairs_in<T: Ord>(keys: impl Iterator<Item = T>) -> f64 {
    let mut sizes: BTreeMap<T, f64> = BTreeMap::new();
    keys.for_each(|key| *sizes.entry(key).or_default() += 1.0);
    sizes.values().map(|size| size * (size - 1.0) / 2.0).sum()
}

fn assert_reaches(name: &str, found: (f64, f64, f64), bar: f64) {
    println!("{name}: precision {:.4}, recall {:.4}, F1 {:.4}", found.0, found.1, found.2);
    assert!(found.2 >= bar, "{name}: {found:?} is below {bar}");
}

const FEBRL: &str = "given_name:given_name surname:family_name street_number:category address_1:address address_2:address \
                     suburb:city postcode:postcode state:category date_of_birth:date soc_sec_id:id";

fn febrl(name: &str, bar: f64) {
    let Some(table) = table(name) else { return };
    let number = |id: &String| id.chars().filter(char::is_ascii_digit).collect::<String>();
    let truth: Vec<String> = table.0["rec_id"]
        .iter()
        .map(|id| number(&id.replace("-dup-", "-").rsplit_once('-').unwrap().0.to_string()))
        .collect();
    let keep: Vec<usize> = (0..truth.len()).collect();
    assert_reaches(name, measured(&table, FEBRL, &truth, &keep), bar);
}

#[test]
fn febrl1_is_matched() {
    febrl("febrl1", 0.998);
}

#[test]
fn febrl3_is_matched() {
    febrl("febrl3", 0.998);
}

#[test]
fn fake_1000_is_matched() {
    let Some(table) = table("fake_1000") else { return };
    let keep: Vec<usize> = (0..table.0["cluster"].len()).collect();
    let found = measured(
        &table,
        "first_name:given_name surname:family_name dob:date city:city email:email",
        &table.0["cluster"],
        &keep,
    );
    assert_reaches("fake_1000", found, 0.95);
}

/// Of `dupehell_20k`, the records of one type.
fn dupehell(entity: &str, fields: &str, bar: f64) {
    let (Some(table), Some(truth)) = (table("dupehell_20k"), table("dupehell_20k_truth")) else { return };
    let master: BTreeMap<&String, &String> = truth.0["record_id"].iter().zip(&truth.0["master_id"]).collect();
    let truth: Vec<String> = table.0["record_id"].iter().map(|id| master[id].clone()).collect();
    let keep: Vec<usize> = (0..truth.len()).filter(|at| table.0["entity_type"][*at] == entity).collect();
    assert_reaches(entity, measured(&table, fields, &truth, &keep), bar);
}

#[test]
fn dupehell_contacts_are_matched() {
    let fields = "first_name:given_name last_name:family_name email:email phone:phone job_title:text company_name:company \
                  city:city state_code:category country_code:category";
    dupehell("contact", fields, 0.92);
}

#[test]
fn dupehell_leads_are_matched() {
    dupehell("lead", "first_name:given_name last_name:family_name email:email phone:phone company_name:company", 0.94);
}

#[test]
fn dupehell_accounts_are_matched() {
    let fields = "account_name:company phone:phone website:domain duns_number:id address_line1:address \
                  postal_code:postcode city:city state_code:category country_code:category";
    dupehell("account", fields, 0.93);
}
