//! What is wrong with a model is said before a row is read.

use super::{Project, frame, table, texts, touches};
use crate::diag::Sources;

/// The mistakes of a model with these further lines: code, underlined text, message.
fn mistakes(more: &str) -> Vec<(String, String, String)> {
    let base = if more.contains("touch_id:") {
        ""
    } else {
        "from: events\ntouch_id: id\nat: at\nutm: {source: src, medium: med}\n"
    };
    let yaml = format!("{base}{more}\n");
    let events = touches(vec![("src", texts(&[None])), ("med", texts(&[None])), ("flag", super::texts(&[None]))]);
    let plans = table(vec![("name", texts(&[None])), ("channel", texts(&[None]))]);
    let project = Project::new(&yaml, vec![("events", frame(vec![events])), ("plans", frame(vec![plans]))]);
    let mut sources = Sources::default();
    sources.add("touches.yml", &yaml);
    let (_, diags) = project.check();
    diags
        .into_iter()
        .map(|found| {
            let text = found.place.and_then(|place| sources.text(place)).unwrap_or_default();
            (found.code.to_string(), text.to_string(), found.message)
        })
        .collect()
}

#[track_caller]
fn only(more: &str, code: &str, underlined: &str, words: &str) {
    let found = mistakes(more);
    assert_eq!(found.len(), 1, "{found:#?}");
    let (found_code, text, message) = &found[0];
    assert_eq!((found_code.as_str(), text.as_str()), (code, underlined), "{message}");
    assert!(message.contains(words), "{message}");
}

#[test]
fn rules_that_cannot_fire() {
    let own = |rules: &str| format!("referrer: src\nrules:\n{rules}");
    let dead = |rules: &str, id: &str, words: &str| only(&own(rules), "M0120", id, words);
    dead(
        "  - {id: wide, channel: A, when: {medium: ~^paid}}\n  - {id: narrow, channel: B, when: {medium: [paid_social, paidsearch], source: x}}",
        "narrow",
        "`wide` stands before it",
    );
    dead(
        "  - {id: wide, channel: A, when: {referrer_host: example.com}}\n  - {id: narrow, channel: B, when: {referrer_host: a.example.com}}",
        "narrow",
        "`wide`",
    );
    dead(
        "  - {id: all, channel: A, when: {source: ~.*}}\n  - {id: late, channel: B, when: {medium: x}}",
        "late",
        "`all`",
    );
    dead("  - {id: page, channel: A, when: {landing_host: a.b}}", "page", "no landing page");
    dead("  - {id: camp, channel: A, when: {campaign: a}}", "camp", "no campaign");
    dead("  - {id: click, channel: A, when: {click_id: gclid}}", "click", "neither a landing page nor a column");
    dead("  - {id: cat, channel: A, when: {source: facebook, source_category: search}}", "cat", "category");
    dead("  - {id: old, channel: A, when: {medium: PPC}}\nsynonyms: {medium: {ppc: cpc}}", "old", "replaced by `cpc`");
}

#[test]
fn rules_that_may_fire_are_not_reported() {
    for rules in [
        "  - {id: a, channel: A, when: {medium: ~^paid}}\n  - {id: b, channel: B, when: {medium: ~^pai}}",
        "  - {id: a, channel: A, when: {referrer_host: a.example.com}}\n  - {id: b, channel: B, when: {referrer_host: example.com}}",
        "  - {id: a, channel: A, when: {referrer_host: ~^example}}\n  - {id: b, channel: B, when: {referrer_host: example.com}}",
        "  - {id: a, channel: A, when: {medium: x, source: y}}\n  - {id: b, channel: B, when: {medium: x}}",
        "  - {id: a, channel: A, when: {source: ~.}}\n  - {id: b, channel: B, when: {medium: x}}",
        "  - {id: a, channel: A, when: {click_id: none, medium: x}}",
        "  - {id: a, channel: A, when: {campaign: ~^$, medium: x}}",
    ] {
        let found = mistakes(&format!("referrer: src\nrules:\n{rules}"));
        assert!(found.is_empty(), "{rules}: {found:#?}");
    }
}

#[test]
fn rules_that_are_wrong() {
    only("rules:\n  - {id: a, channel: A, when: {}}", "M0122", "{}", "without a condition");
    only("rules:\n  - {channel: A, when: {medium: ~^(cpc}}", "M0123", "(", "unclosed group");
    only("rules:\n  - {channel: A, when: {medium: \"~a{2\"}}", "M0123", "{", "not a regular expression");
    only("channels: ga4_defualt", "M0124", "ga4_defualt", "no rule set");
    only("channels: none", "M0122", "none", "every touch is unmapped");
    only("rules:\n  - {channel: A, when: {click_id: glcid}}", "M0125", "glcid", "not a click id");
    only("click_ids: {glcid: src}", "M0125", "glcid", "not a click id");
    only("synonyms: {source: {a: b, b: A}}", "M0126", "a", "a → b → a");
    only(
        "rules:\n  - {id: a, channel: A, when: {medium: x}}\n  - {id: a, channel: B, when: {medium: y}}",
        "M0121",
        "a",
        "used twice",
    );
    only("rules:\n  - {id: ga4_direct, channel: A, when: {medium: x}}", "M0121", "ga4_direct", "used twice");
}

#[test]
fn columns_that_are_wrong() {
    only("referrer: reff", "M0051", "reff", "no column `reff`");
    only("keep: {channel: src}", "M0005", "src", "makes itself");
    only("from: events\ntouch_id: id\nat: src\nutm: {source: src}", "M0059", "src", "an instant is wanted");
    only("landing_page: id = 'x'", "M0059", "id = 'x'", "text is wanted");
    only("from: events\ntouch_id: id\nat: at", "M0004", "events", "nothing to classify");
    only("campaigns: {from: plans, key: nam, channel: channel}", "M0128", "nam", "no column `nam`");
    let found = mistakes("source_categories: plans");
    assert!(found.iter().all(|(code, text, _)| (code.as_str(), text.as_str()) == ("M0128", "plans")), "{found:#?}");
    assert_eq!(found.len(), 2);
    only(
        "utm: {campaign: src}\nfrom: events\ntouch_id: id\nat: at\nrules:\n  - {channel: A, when: {campaign_in: {from: plans, column: naem}}}",
        "M0128",
        "naem",
        "no column `naem`",
    );
}

#[test]
fn all_mistakes_come_at_once() {
    let found = mistakes(
        "referrer: reff\nchannels: x\nrules:\n  - {channel: A, when: {medium: ~(}}\n  - {channel: A, when: {click_id: nope}}",
    );
    let codes: Vec<&str> = found.iter().map(|(code, _, _)| code.as_str()).collect();
    assert_eq!(codes, ["M0051", "M0124", "M0123", "M0125"]);
}
