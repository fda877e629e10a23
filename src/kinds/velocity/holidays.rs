//! The holidays of a calendar, as the rows of a table give them.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::Date32Type;
use chrono::NaiveDate;

use super::business::{DAY, Window};
use super::calendar::minute;
use crate::error::{Error, Result};

/// Reads batches of date, closed from, closed until. Rows that do not say when it is closed end the run:
/// a holiday passed over in silence would make every time over it too long.
pub(super) fn read(batches: &[RecordBatch]) -> Result<BTreeMap<NaiveDate, Vec<Window>>> {
    let mut days: BTreeMap<NaiveDate, Vec<Window>> = BTreeMap::new();
    for batch in batches {
        let [date, from, until] = batch.columns() else { return Err(misfit()) };
        let dates = date.as_primitive_opt::<Date32Type>().ok_or_else(misfit)?;
        let texts = |column| AsArray::as_string_view_opt(column).ok_or_else(misfit);
        let (from, until): (&StringViewArray, &StringViewArray) = (texts(from)?, texts(until)?);
        for row in 0..batch.num_rows() {
            let day = dates.is_valid(row).then(|| NaiveDate::from_epoch_days(dates.value(row))).flatten();
            let day = day.ok_or_else(|| Error::data("the holidays hold a row without a date"))?;
            let text = |texts: &StringViewArray| texts.is_valid(row).then(|| texts.value(row).to_string());
            let (from, until) = (time(text(from), 0)?, time(text(until), DAY)?);
            if from >= until {
                let what = "which leaves nothing of the day closed";
                return Err(Error::data(format!("the holidays close {day} from a time to an earlier one, {what}")));
            }
            days.entry(day).or_default().push((from, until));
        }
    }
    // The rows come in no order.
    days.values_mut().for_each(|windows| windows.sort_unstable());
    Ok(days)
}

fn time(text: Option<String>, usual: u16) -> Result<u16> {
    let Some(text) = text else { return Ok(usual) };
    minute(&text).ok_or_else(|| {
        Error::data(format!("the holidays hold `{text}`, which is not a time of day"))
            .with_hint("write it as in `13:00`")
    })
}

fn misfit() -> Error {
    Error::internal("holidays with other columns than a calendar reads")
}
