//! Random touches and conversions, credited twice.

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::super::naive::{MODELS, NaiveConversion, NaiveReach, NaiveRow, NaiveTouch, ledger};
use super::*;

const DAY: i64 = 86_400_000_000;
const CHANNELS: [&str; 4] = ["Direct", "Email", "Search", "Social"];

fn any_touches(rng: &mut ChaCha8Rng) -> Vec<NaiveTouch> {
    let count = rng.random_range(0..150);
    let entities = rng.random_range(1..8);
    let mut touches: Vec<NaiveTouch> = (0..count)
        .map(|id| NaiveTouch {
            id,
            entity: rng.random_range(0..entities),
            // Few days, so that instants are equal often.
            at: rng.random_range(0..40) * DAY,
            channel: CHANNELS.choose(rng).unwrap(),
            priority: rng.random_range(0..2),
        })
        .collect();
    // Some come twice: as they were, with another priority, or on another day.
    for at in 0..touches.len() / 5 {
        let mut again = touches[at * 3].clone();
        match at % 3 {
            0 => {}
            1 => again.priority = 1 - again.priority,
            _ => again.at = rng.random_range(0..40) * DAY,
        }
        touches.push(again);
    }
    touches.shuffle(rng);
    touches
}

fn any_conversions(rng: &mut ChaCha8Rng) -> Vec<NaiveConversion> {
    (0..rng.random_range(0..25))
        .map(|id| {
            let mut milestone = || rng.random_bool(0.8).then(|| rng.random_range(0..40) * DAY);
            let milestones = [milestone(), milestone()];
            NaiveConversion {
                id,
                entity: rng.random_range(0..8),
                at: rng.random_range(0..45) * DAY,
                cents: *[0, 1, -1, 99_999, rng.random_range(-1_000_000..100_000_000)].choose(rng).unwrap(),
                milestones,
            }
        })
        .collect()
}

fn micros(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn tables(touches: &[NaiveTouch], conversions: &[NaiveConversion]) -> [(&'static str, RecordBatch); 2] {
    let deals = table(vec![
        ("id", numbers(conversions.iter().map(|c| c.id))),
        ("who", numbers(conversions.iter().map(|c| c.entity))),
        ("at", micros(conversions.iter().map(|c| Some(c.at)))),
        ("amount", cents(conversions.iter().map(|c| Some(c.cents)))),
        ("lead_at", micros(conversions.iter().map(|c| c.milestones[0]))),
        ("made_at", micros(conversions.iter().map(|c| c.milestones[1]))),
    ]);
    let touched = table(vec![
        ("id", numbers(touches.iter().map(|t| t.id))),
        ("who", numbers(touches.iter().map(|t| t.entity))),
        ("at", micros(touches.iter().map(|t| Some(t.at)))),
        ("channel", texts(touches.iter().map(|t| Some(t.channel)))),
        ("priority", numbers(touches.iter().map(|t| t.priority))),
    ]);
    [("deals", deals), ("touches", touched)]
}

fn any_reach(rng: &mut ChaCha8Rng) -> (NaiveReach, String) {
    let within = rng.random_bool(0.7).then(|| rng.random_range(1..30));
    let touches = rng.random_bool(0.3).then(|| rng.random_range(1..6usize));
    let gap = rng.random_bool(0.4).then(|| rng.random_range(1..4));
    let mut text = String::from("lookback: {");
    text.extend(within.map(|days| format!("within: {days} days, ")));
    text.extend(touches.map(|most| format!("touches: {most}")));
    text.push_str("}\n");
    text.extend(gap.map(|days| format!("session_gap: {days} days\n")));
    let reach = NaiveReach { within: within.map(|days| days * DAY), touches, gap: gap.map(|days| days * DAY) };
    (reach, text)
}

fn line(row: &NaiveRow, merges: bool) -> String {
    let (conversion, touch, position, length, merged, numbers) = row;
    let touch = touch.map_or("-".to_string(), |touch| touch.to_string());
    let mut parts = vec![conversion.to_string(), touch, position.to_string(), length.to_string()];
    parts.extend(merges.then(|| merged.to_string()));
    for (weight, cents) in numbers {
        parts.push(decimal(*weight, 15));
        parts.push(decimal(*cents, 2));
    }
    parts.join(" | ")
}

fn decimal(value: i64, scale: u32) -> String {
    let one = 10i64.pow(scale);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:0width$}", value.abs() / one, value.abs() % one, width = scale as usize)
}

#[tokio::test]
async fn the_ledger_and_the_obvious_way_agree() {
    for seed in 0..16 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (touches, conversions) = (any_touches(&mut rng), any_conversions(&mut rng));
        let (reach, bounds) = any_reach(&mut rng);
        let yaml = format!(
            "
conversions: {{from: deals, id: id, entity: who, at: at, amount: amount}}
touches: {{from: touches, id: id, entity: who, at: at, channel: channel, priority: priority}}
milestones: {{lead_created: lead_at, opportunity_created: made_at}}
layout: wide
models: {MODELS}
{bounds}"
        );
        let merges = reach.gap.is_some();
        let mut expected: Vec<String> =
            ledger(&touches, &conversions, reach).iter().map(|row| line(row, merges)).collect();
        expected.sort();
        let tables = tables(&touches, &conversions);
        for (batch, threads) in [(1, 2), (2, 1), (7, 3), (50, 5), (8192, 2)] {
            let made = run_ledger(&yaml, &tables, How { batch, threads }).await;
            let schema = made.table("").schema();
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let mut columns = vec!["conversion_id", "touch_id", "position", "journey_length"];
            columns.extend(merges.then_some("touches_merged"));
            columns.extend(names.filter(|name| name.starts_with("weight_") || name.starts_with("amount_")));
            let found = made.lines("", &columns);
            let differs = found.iter().zip(&expected).find(|(found, expected)| found != expected);
            assert_eq!(differs, None, "seed {seed}, batch {batch}, {threads} threads, {bounds}");
            assert_eq!(found.len(), expected.len(), "seed {seed}");
        }
        if seed % 6 == 0 {
            run(&yaml, &tables, PLAIN).await.assert_closed();
            let long = yaml.replace("layout: wide", "layout: long");
            run(&long, &tables, How { batch: 7, threads: 3 }).await.assert_closed();
        }
    }
}

/// Nothing but the ends is kept of an unlimited journey when nothing but the ends is asked for.
#[tokio::test]
async fn the_ends_alone_agree_with_the_obvious_way() {
    for seed in 100..110 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (touches, conversions) = (any_touches(&mut rng), any_conversions(&mut rng));
        let gap = if seed % 2 == 0 { Some(2 * DAY) } else { None };
        let reach = NaiveReach { within: None, touches: None, gap };
        let session = if gap.is_some() { "session_gap: 2 days" } else { "" };
        let yaml = format!(
            "
conversions: {{from: deals, id: id, entity: who, at: at, amount: amount}}
touches: {{from: touches, id: id, entity: who, at: at, channel: channel, priority: priority}}
lookback: unlimited
models: [first_touch, last_touch, last_non_direct]
{session}
"
        );
        let mut expected: Vec<String> = Vec::new();
        for (conversion, touch, position, length, _, numbers) in ledger(&touches, &conversions, reach) {
            let touch = touch.map_or("-".to_string(), |touch| touch.to_string());
            for (model, (weight, _)) in ["first_touch", "last_touch", "last_non_direct"].iter().zip(&numbers) {
                if *weight > 0 {
                    expected.push(format!("{conversion} | {touch} | {position} | {length} | {model}"));
                }
            }
        }
        expected.sort();
        let tables = tables(&touches, &conversions);
        for (batch, threads) in [(1, 2), (7, 1), (8192, 2)] {
            let made = run_ledger(&yaml, &tables, How { batch, threads }).await;
            let found = made.lines("", &["conversion_id", "touch_id", "position", "journey_length", "model"]);
            assert_eq!(found, expected, "seed {seed}, batch {batch}");
        }
    }
}
