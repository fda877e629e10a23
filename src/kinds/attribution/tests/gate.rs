//! The checks that refuse publication, each seen to fail: what is staged is spoilt, and only its check tells.

use datafusion::datasource::MemTable;

use super::golden::{BASE, EIGHT, deal, on_days};
use super::*;
use crate::checks::{self, Known, Status};
use crate::diag::Diagnostics;
use crate::engine::Frame;
use crate::kinds::ModelKind;
use crate::syntax::TableName;

/// What becomes of a staged ledger.
type Spoil = fn(&RecordBatch) -> RecordBatch;

/// The checks of one table that refuse publication, once the ledger is spoilt and the table made of it.
async fn failing(yaml: &str, tables: &[(&str, RecordBatch)], ending: &str, spoil: Spoil) -> Vec<String> {
    let made = run(yaml, tables, PLAIN).await;
    let (spec, sources) = model(yaml);
    let (engine, mut frames) = (engine(PLAIN, sources), fixture::frames(tables, PLAIN));
    let (name, settings) = (TableName::new_unchecked("credits"), settings());
    let contracts = spec.contract(&scope(&name, &settings, &frames, &engine), &mut Diagnostics::default()).unwrap();
    let stage = |rows: RecordBatch, columns| {
        let provider = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
        Frame { provider: Arc::new(provider), columns }
    };
    for contract in &contracts {
        let own = contract.table.as_str().strip_prefix("credits").unwrap();
        let rows = if own.is_empty() { spoil(made.table("")) } else { made.table(own).clone() };
        frames.insert(contract.table.clone(), stage(rows, contract.columns.clone()));
    }
    let contract = contracts.iter().find(|contract| contract.table == name.with_suffix(ending)).unwrap();
    let plan = spec.plan(&scope(&name, &settings, &frames, &engine), contract).unwrap();
    let rows = engine.ctx().execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
    let rows = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
    frames.insert(contract.table.clone(), stage(rows, contract.columns.clone()));
    let assured = spec.assurances(&name);
    let all = checks::resolve(&[], &contracts, assured, &frames, &engine, &mut Diagnostics::default());
    let own: Vec<_> = all.into_iter().filter(|check| check.table == contract.table).collect();
    let results = checks::run(&own, contract, &Known::default(), &frames, &engine).await.unwrap();
    results.into_iter().filter(|result| result.status == Status::Fail).map(|result| result.check).collect()
}

/// The ledger with its first number in `column` one unit higher.
fn one_more(ledger: &RecordBatch, column: &str) -> RecordBatch {
    use arrow::array::{Array, AsArray};
    let at = ledger.schema().index_of(column).unwrap();
    let values = ledger.column(at).as_primitive::<arrow::datatypes::Decimal128Type>();
    let more: Decimal128Array = values.iter().enumerate().map(|(row, v)| v.map(|v| v + i128::from(row == 0))).collect();
    let mut columns = ledger.columns().to_vec();
    columns[at] = Arc::new(more.with_data_type(values.data_type().clone()));
    RecordBatch::try_new(ledger.schema(), columns).unwrap()
}

fn tables() -> [(&'static str, RecordBatch); 2] {
    [("deals", deal("2024-03-10", 100_00)), ("touches", touches(&on_days(&EIGHT[..3])))]
}

#[tokio::test]
async fn a_cent_too_much_refuses_publication() {
    for layout in ["long", "wide"] {
        let yaml = format!("{BASE}models: [linear]\nlayout: {layout}");
        let tables = tables();
        let failing = |spoil: Spoil| failing(&yaml, &tables, "_reconciliation", spoil);
        let [weight, amount]: [Spoil; 2] = match layout {
            "long" => [|ledger| one_more(ledger, "weight"), |ledger| one_more(ledger, "amount")],
            _ => [|ledger| one_more(ledger, "weight_linear"), |ledger| one_more(ledger, "amount_linear")],
        };
        assert_eq!(failing(Clone::clone).await, [""; 0]);
        assert_eq!(failing(weight).await, ["credit_closes"]);
        assert_eq!(failing(amount).await, ["amount_closes"]);
        assert_eq!(failing(|ledger| ledger.slice(1, 2)).await, ["credit_closes", "amount_closes"]);
        // Nothing left at all: the source still has its conversion.
        assert_eq!(failing(|ledger| ledger.slice(0, 0)).await, ["credit_closes", "amount_closes"]);
    }
}

#[tokio::test]
async fn a_currency_without_a_rate_refuses_publication() {
    use arrow::array::Date32Array;
    let day = |day: i32| -> ArrayRef { Arc::new(Date32Array::from(vec![day])) };
    let spend = table(vec![
        ("day", day(19_783)),
        ("channel", texts([Some("Email")])),
        ("cost", cents([Some(10_00)])),
        ("currency", texts([Some("USD")])),
    ]);
    // Of the day after: no rate is known on the 1st.
    let rates = table(vec![("day", day(19_784)), ("currency", texts([Some("USD")])), ("rate", cents([Some(90)]))]);
    let yaml = format!(
        "{BASE}
models: [linear]
spend: {{from: spend, on: day, channel: channel, cost: cost, currency: currency,
         rates: {{from: rates, on: day, currency: currency, rate: rate}}}}
"
    );
    let [deals, touched] = tables();
    let tables = [deals, touched, ("spend", spend), ("rates", rates)];
    assert_eq!(failing(&yaml, &tables, "_returns", Clone::clone).await, ["rates_known"]);
}
