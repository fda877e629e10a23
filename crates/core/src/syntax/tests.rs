use indexmap::IndexMap;
use serde::Deserialize;

use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics, Sources, codes};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Sample {
    name: Spanned<String>,
    #[serde(default)]
    tags: OneOrMany<String>,
    size: Option<u32>,
    #[serde(default)]
    share: f64,
    #[serde(default)]
    on: bool,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    by_name: IndexMap<Spanned<String>, Spanned<Period>>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Plain,
    FullSpeed,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Part {
    id: Spanned<String>,
    weight: u8,
}

fn good(text: &str) -> Sample {
    let mut diags = Diagnostics::default();
    let read = read(0, text, &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    read.unwrap()
}

/// What is wrong with a text: codes, the text underlined, and messages, in order.
fn mistakes(text: &str) -> Vec<(Code, String, String)> {
    let mut diags = Diagnostics::default();
    assert_eq!(read::<Sample>(0, text, &mut diags), None, "{text}");
    let mut sources = Sources::default();
    sources.add("x.yml", text);
    let found = diags.into_sorted().into_iter();
    found
        .map(|Diagnostic { code, place, message, .. }| {
            let shown = place.and_then(|place| sources.text(place)).unwrap_or_default();
            (code, shown.to_string(), message)
        })
        .collect()
}

fn told(text: &str) -> Vec<(Code, String)> {
    mistakes(text).into_iter().map(|(code, shown, _)| (code, shown)).collect()
}

fn all<const N: usize>(wanted: [(Code, &str); N]) -> Vec<(Code, String)> {
    wanted.into_iter().map(|(code, shown)| (code, shown.to_string())).collect()
}

#[test]
fn reads_a_whole_value() {
    let read =
        good("name: a\ntags: [x, y]\nsize: 3\nshare: 0.5\non: true\nmode: full_speed\nparts:\n- {id: p, weight: 2}\n");
    assert_eq!((read.name.value.as_str(), read.size, read.share, read.on), ("a", Some(3), 0.5, true));
    assert_eq!(read.tags.0, ["x", "y"]);
    assert_eq!((read.mode, read.parts.len()), (Mode::FullSpeed, 1));
}

#[test]
fn one_pass_finds_unknown_keys_wrong_types_and_missing_keys() {
    let text = "nam: a\nsize: many\nmode: slow\nparts:\n  - {id: p, wieght: 1}\n  - {id: q, weight: 300}\n";
    let wanted = [
        (codes::UNKNOWN_KEY, "nam"),
        (codes::MISSING_KEY, "nam"),
        (codes::WRONG_TYPE, "many"),
        (codes::UNKNOWN_WORD, "slow"),
        (codes::MISSING_KEY, "id"),
        (codes::UNKNOWN_KEY, "wieght"),
        (codes::WRONG_TYPE, "300"),
    ];
    assert_eq!(told(text), all(wanted));
}

#[test]
fn mistakes_deep_down_do_not_hide_their_neighbours() {
    let text = "name: a\nparts:\n  -\n    id: [p]\n    weight: x\n  -\n    id: q\n    weight: y\nby_name:\n  a: 3 dais\n  b: soon\n";
    let wanted = [
        (codes::WRONG_TYPE, "[p]"),
        (codes::WRONG_TYPE, "x"),
        (codes::WRONG_TYPE, "y"),
        (codes::INVALID_VALUE, "3 dais"),
        (codes::INVALID_VALUE, "soon"),
    ];
    assert_eq!(told(text), all(wanted));
}

#[test]
fn a_key_whose_value_was_wrong_is_not_missing_too() {
    assert_eq!(told("name: [a]\n"), all([(codes::WRONG_TYPE, "[a]")]));
    let text = "name: a\nparts:\n  - {id: p, weight: heavy}\n";
    assert_eq!(told(text), all([(codes::WRONG_TYPE, "heavy")]));
}

#[test]
fn a_root_of_the_wrong_sort_is_one_mistake() {
    for text in ["- name: a\n", "just text\n", ""] {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].0, codes::WRONG_TYPE, "{text}: {found:?}");
    }
}

#[test]
fn values_and_keys_know_their_place() {
    let text = "name: \"a b\"\nby_name:\n  first: 3 days\n";
    let read = good(text);
    let mut sources = Sources::default();
    sources.add("x.yml", text);
    assert_eq!(sources.text(read.name.place), Some("\"a b\""));
    let (key, value) = read.by_name.first().unwrap();
    assert_eq!((sources.text(key.place), sources.text(value.place)), (Some("first"), Some("3 days")));
    assert_eq!(sources.line_column(value.place), Some((3, 10)));
}

#[test]
fn columns_are_counted_in_characters() {
    let text = "name: é\nby_name: {ä: 3 dais}\n";
    let mut diags = Diagnostics::default();
    assert_eq!(read::<Sample>(0, text, &mut diags), None);
    let mut sources = Sources::default();
    sources.add("x.yml", text);
    let place = diags.into_sorted()[0].place.unwrap();
    assert_eq!((sources.text(place), sources.line_column(place)), (Some("3 dais"), Some((2, 14))));
}

#[test]
fn lists_and_mappings_reach_to_their_end() {
    let text = "name: a\nparts: [{id: p, weight: 1}, ]\nby_name:\n  a: 1 day\n  b: 2 days\n";
    let tree = parse(0, text, &mut Diagnostics::default()).unwrap();
    let mut sources = Sources::default();
    sources.add("x.yml", text);
    let Value::Map(entries) = &tree.value else { panic!("{tree:?}") };
    let shown: Vec<&str> = entries.iter().map(|(_, _, value)| sources.text(value.place).unwrap()).collect();
    assert_eq!(shown, ["a", "[{id: p, weight: 1}, ]", "a: 1 day\n  b: 2 days"]);
}

#[test]
fn numbers_and_truth_values_are_text_where_text_is_wanted() {
    for (written, read) in [("2024", "2024"), ("1.50", "1.50"), ("007", "007"), ("true", "true"), ("0x1F", "0x1F")] {
        assert_eq!(good(&format!("name: {written}\n")).name.value, read);
    }
    assert_eq!(good("name: a\ntags: 2024\n").tags.0, ["2024"]);
}

#[test]
fn words_that_old_yaml_takes_for_truth_values_are_text() {
    assert_eq!(good("name: NO\ntags: [y, on, Yes, off, true]\n").tags.0, ["y", "on", "Yes", "off", "true"]);
    assert_eq!(good("name: NO\n").name.value, "NO");
    assert_eq!(told("name: a\non: yes\n"), all([(codes::WRONG_TYPE, "yes")]));
    assert!(good("name: &x true\non: *x\n").on);
}

#[test]
fn a_list_is_no_mapping() {
    assert_eq!(told("name: a\nparts:\n  - [p, 2]\n"), all([(codes::WRONG_TYPE, "[p, 2]")]));
}

#[test]
fn one_value_or_a_list_of_them() {
    assert_eq!(good("name: a\ntags: x\n").tags.0, ["x"]);
    assert_eq!(good("name: a\ntags: [x]\n").tags.0, ["x"]);
    assert!(good("name: a\ntags: []\n").tags.0.is_empty());
    assert_eq!(told("name: a\ntags: {x: y}\n"), all([(codes::WRONG_TYPE, "{x: y}")]));
}

#[test]
fn bombs_are_refused() {
    let deep = format!("name: {}{}\n", "[".repeat(200), "]".repeat(200));
    let line = |name: &str, of: &str| format!("{name}: &{name} [{}]\n", [of; 9].join(", "));
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let grown = names.windows(2).map(|pair| line(pair[1], &format!("*{}", pair[0])));
    let aliases = line("a", "x") + &grown.collect::<String>();
    for text in [deep, aliases, "x".repeat(9 << 20)] {
        let mut diags = Diagnostics::default();
        assert!(parse(0, &text, &mut diags).is_none());
        assert_eq!(diags.into_sorted().iter().map(|d| d.code).collect::<Vec<_>>(), [codes::YAML_TOO_LARGE]);
    }
}

#[test]
fn what_is_nested_as_people_nest_is_read() {
    let text = format!("{}x{}", "[".repeat(30), "]".repeat(30));
    assert!(parse(0, &text, &mut Diagnostics::default()).is_some());
}

#[test]
fn a_hundred_mistakes_are_enough() {
    let text = format!("name: a\ntags:\n{}", "  - [x]\n".repeat(1_000));
    assert_eq!(mistakes(&text).len(), 100);
}

#[test]
fn text_that_is_not_yaml_never_panics() {
    let whole = "name: \"a é\"\ntags: [x, 'y']\nparts:\n  - {id: &p p, weight: 2}\n  - {id: *p, weight: |\n 3\n";
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let mut diags = Diagnostics::default();
        let read: Option<Sample> = read(0, &whole[..end], &mut diags);
        assert_eq!(read.is_none(), diags.has_errors(), "{}", &whole[..end]);
    }
}
