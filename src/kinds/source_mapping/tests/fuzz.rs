//! The vectorised algorithm against [`naive`] over random rules, touches, encodings and batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, LargeStringArray, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::{Field, Int8Type, Int32Type, Schema};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cells;
use crate::diag::Diagnostics;
use crate::engine::map::RowAlgorithm;
use crate::kinds::source_mapping::classify::{Classify, Made, Slot};
use crate::kinds::source_mapping::lookups::Lookups;
use crate::kinds::source_mapping::naive::{self, Raw};
use crate::kinds::source_mapping::rules::RuleBook;
use crate::kinds::source_mapping::spec::SourceMapping;
use crate::kinds::source_mapping::{compile, encode};
use crate::syntax::read;

const SOURCES: &[&str] = &[
    "google",
    " Google",
    "fb",
    "facebook.com",
    "x",
    "",
    "(direct)",
    "newsletter",
    "chatgpt.com",
    "bing",
    "own.example",
    "{{x}}",
    "a@b.de",
];
const MEDIUMS: &[&str] = &["cpc", "PPC", "email", "organic", "", "(none)", "paid_social", "web-push", "zzz", "social"];
const CAMPAIGNS: &[&str] = &["spring", "SPRING ", "e-shop", "", "brand 2024", "pmax cross-network", "listed"];
const HOSTS: &[&str] = &[
    "www.google.com",
    "mail.google.com",
    "a.partner.com",
    "partner.com",
    "own.example",
    "app.own.example",
    "m.facebook.com",
    "weird",
    "",
];
const CLICKS: &[&str] = &["gclid", "fbclid", "msclkid", "mc_eid", "ScCid", "srsltid", "v"];

fn pick<'a>(rng: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from[rng.random_range(0..from.len())]
}

fn condition(rng: &mut ChaCha8Rng) -> String {
    let regex = ["~^g", "~o", "~^$", "~(cpc|ppc)", "~x$", "~."];
    let quoted = |text: &str| format!("'{text}'");
    match rng.random_range(0..9) {
        0 => format!("source: [{}, {}]", quoted(pick(rng, SOURCES)), quoted(pick(rng, &regex))),
        1 => format!("medium: {}", quoted(pick(rng, MEDIUMS))),
        2 => format!("medium: {}", quoted(pick(rng, &regex))),
        3 => format!("campaign: {}", quoted(pick(rng, &regex))),
        4 => format!("referrer_host: {}", pick(rng, &["partner.com", "google.com", "'~^$'", "own.example", "'~face'"])),
        5 => format!("landing_host: {}", pick(rng, &["own.example", "'~^app'", "partner.com"])),
        6 => format!("click_id: {}", pick(rng, &["gclid", "any", "paid", "none", "[fbclid, none]"])),
        7 => format!("source_category: {}", pick(rng, &["search", "[social, video]"])),
        _ => "campaign_in: {from: plans, column: name}".to_string(),
    }
}

fn model(rng: &mut ChaCha8Rng) -> String {
    let mut yaml = "from: e\ntouch_id: id\nat: at\ninternal_domains: [own.example]\nsynonyms: {source: {fb: facebook}, medium: {ppc: cpc}}\n".to_string();
    yaml += &format!("channels: {}\n", pick(rng, &["none", "ga4_default"]));
    yaml += &format!("precedence: {}\n", pick(rng, &["utm", "click_id"]));
    if rng.random_bool(0.5) {
        yaml += "campaigns: {from: plans, key: name, channel: channel}\n";
    }
    if rng.random_bool(0.3) {
        yaml += "missing_source: (none)\n";
    }
    // More than 64 rules now and then, so that masks have several words.
    let rules = if rng.random_bool(0.3) { rng.random_range(60..140) } else { rng.random_range(1..12) };
    yaml += "rules:\n";
    for rule in 0..rules {
        let mut conditions: Vec<String> = (0..rng.random_range(1..4)).map(|_| condition(rng)).collect();
        conditions.sort_by_key(|text| text.split(':').next().map(str::to_string));
        conditions.dedup_by_key(|text| text.split(':').next().map(str::to_string));
        let replaced = pick(rng, &["", "source: Over, ", "medium: m, campaign: c, "]);
        yaml += &format!("  - {{channel: C{}, {replaced}when: {{{}}}}}\n", rule % 7, conditions.join(", "));
    }
    yaml
}

fn touch(rng: &mut ChaCha8Rng) -> Raw {
    let mut maybe = |from: &[&str]| rng.random_bool(0.8).then(|| pick(rng, from).to_string());
    let utm = [maybe(SOURCES), maybe(MEDIUMS), maybe(CAMPAIGNS)];
    let referrer = maybe(HOSTS).map(|host| format!("https://{host}/p?q=1"));
    let mut landing = maybe(HOSTS).map(|host| format!("http://{host}/?"));
    if let Some(landing) = &mut landing {
        for (name, from) in [("source", SOURCES), ("medium", MEDIUMS), ("CAMPAIGN", CAMPAIGNS), ("source", SOURCES)] {
            if rng.random_bool(0.4) {
                *landing += &format!("utm_{name}={}&", pick(rng, from).replace(' ', "%20"));
            }
        }
        while rng.random_bool(0.4) {
            *landing += &format!("{}={}&", pick(rng, CLICKS), pick(rng, &["1", "", "x%"]));
        }
    }
    let gclid = rng.random_bool(0.3).then(|| pick(rng, &["1", " ", ""]).to_string());
    Raw { utm, referrer, landing, gclid }
}

fn encoded(rng: &mut ChaCha8Rng, values: Vec<Option<&str>>) -> ArrayRef {
    match rng.random_range(0..5) {
        0 => Arc::new(StringArray::from(values)),
        1 => Arc::new(LargeStringArray::from(values)),
        2 if values.len() < 100 => Arc::new(values.into_iter().collect::<DictionaryArray<Int8Type>>()),
        3 => Arc::new(values.into_iter().collect::<DictionaryArray<Int32Type>>()),
        _ => Arc::new(StringViewArray::from(values)),
    }
}

/// One batch in one encoding; `from` says which columns there are.
fn batch(rng: &mut ChaCha8Rng, from: naive::From, touches: &[Raw]) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> =
        vec![("id".to_string(), Arc::new(StringArray::from(vec!["x"; touches.len()])))];
    let mut add = |slot: Slot, value: &dyn Fn(&Raw) -> Option<&str>| {
        let values = touches.iter().map(value).collect();
        columns.push((slot.column(), encoded(rng, values)));
    };
    for which in 0..3 {
        if from.utm[which] {
            add(Slot::Utm(which), &|raw| raw.utm[which].as_deref());
        }
    }
    add(Slot::Referrer, &|raw| raw.referrer.as_deref());
    add(Slot::LandingPage, &|raw| raw.landing.as_deref());
    if from.gclid {
        add(Slot::Click(0), &|raw| raw.gclid.as_deref());
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

const MADE: [(&str, Made); 10] = [
    ("channel", Made::Channel),
    ("source", Made::Source),
    ("medium", Made::Medium),
    ("campaign", Made::Campaign),
    ("channel_rule", Made::Rule),
    ("referrer_host", Made::ReferrerHost),
    ("click_id_kind", Made::ClickKind),
    ("tagging_conflict", Made::Conflict),
    ("utm_grade", Made::Grade),
    ("utm_grade_reason", Made::Reason),
];

fn algorithm(book: &Arc<RuleBook>, memory_bytes: usize) -> Classify {
    let made = MADE.iter().map(|(name, made)| match made {
        Made::Conflict => Field::new(*name, arrow::datatypes::DataType::Boolean, false),
        _ => Field::new(*name, encode::data_type(), true),
    });
    let id = Field::new("id", arrow::datatypes::DataType::Utf8, true);
    Classify {
        book: Arc::clone(book),
        made: std::iter::once(Made::Pass).chain(MADE.iter().map(|(_, made)| *made)).collect(),
        schema: Arc::new(Schema::new(std::iter::once(id).chain(made).collect::<Vec<_>>())),
        memory_bytes,
    }
}

fn side_tables(book: &RuleBook) -> Vec<Vec<RecordBatch>> {
    let names = super::texts(&[Some(" Listed"), Some("spring"), None]);
    let channels = super::texts(&[Some("Table"), None, Some("Nowhere")]);
    let one = |with_channel: bool| {
        let mut columns = vec![("name", Arc::clone(&names))];
        columns.extend(with_channel.then(|| ("channel", Arc::clone(&channels))));
        vec![super::table(columns)]
    };
    book.sides.iter().map(|side| one(side.value.is_some())).collect()
}

#[test]
fn agrees_with_the_naive_twin() {
    let mut fired = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let yaml = model(rng);
        let mut diags = Diagnostics::default();
        let spec: SourceMapping = read(0, &yaml, &mut diags).unwrap_or_else(|| panic!("{yaml}\n{diags:#?}"));
        let book = Arc::new(compile::compile(&spec, &mut diags).unwrap());
        assert!(!diags.has_errors(), "{yaml}\n{diags:#?}");
        let tables = side_tables(&book);
        let lookups = Lookups::read(&book, &tables).unwrap();
        let from = naive::From { utm: [0; 3].map(|_| rng.random_bool(0.6)), gclid: rng.random_bool(0.5) };
        let touches: Vec<Raw> = (0..150).map(|_| touch(rng)).collect();
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_string());
        let expected: Vec<Vec<String>> = touches
            .iter()
            .map(|raw| naive::classify(&book, &lookups, from, raw).into_iter().map(text).collect())
            .collect();
        fired.extend(expected.iter().map(|row| row[4].clone()));
        for size in [1, 2, 7, 50, 8192] {
            // A limit of nothing forgets after every batch.
            let limit = if size > 2 && rng.random_bool(0.5) { 0 } else { 1 << 20 };
            let mut state = algorithm(&book, limit).start(&tables).unwrap();
            let mut found = Vec::new();
            for part in touches.chunks(size) {
                let made = state.apply(&batch(rng, from, part)).unwrap();
                found.extend(cells(&made, &MADE.map(|(name, _)| name)));
            }
            for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(found, expected, "seed {seed}, batches of {size}, row {row}: {:?}\n{yaml}", touches[row]);
            }
            assert_eq!(found.len(), expected.len());
        }
    }
    assert!(fired.len() > 60, "too few rules fired to prove anything: {fired:?}");
}

#[test]
fn memory_stays_bounded() {
    let yaml = "{from: e, touch_id: id, at: at}";
    let spec: SourceMapping = read(0, yaml, &mut Diagnostics::default()).unwrap();
    let book = Arc::new(compile::compile(&spec, &mut Diagnostics::default()).unwrap());
    let limit = 200_000;
    let mut state = algorithm(&book, limit).start(&[]).unwrap();
    let from = naive::From { utm: [true; 3], gclid: false };
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut most = 0;
    for round in 0..50 {
        let one = |row: usize| Raw {
            utm: [0, 1, 2].map(|which| Some(format!("value-{which}-{round}-{row}"))),
            ..Raw::default()
        };
        let touches: Vec<Raw> = (0..100).map(one).collect();
        state.apply(&batch(rng, from, &touches)).unwrap();
        most = most.max(state.held_bytes());
    }
    assert!(most < 2 * limit, "{most}");
    assert!(most > limit / 2, "{most}");
}
