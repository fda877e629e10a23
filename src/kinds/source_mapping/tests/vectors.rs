//! The worked examples of GA4's default channel group, tags against click ids, and the UTM grade.

use super::{Project, Row, frame, texts, touches};
use crate::contract::Role;

type Tags<'a> = [Option<&'a str>; 3];

/// Classifies by columns alone.
fn by_columns(more: &str, rows: &[(Tags<'_>, Option<&str>)], columns: &[&str]) -> Vec<Row> {
    let column = |which: usize| texts(&rows.iter().map(|(tags, _)| tags[which]).collect::<Vec<_>>());
    let referrers = texts(&rows.iter().map(|(_, referrer)| *referrer).collect::<Vec<_>>());
    let events = touches(vec![("s", column(0)), ("m", column(1)), ("c", column(2)), ("r", referrers)]);
    let yaml =
        format!("from: e\ntouch_id: id\nat: at\nutm: {{source: s, medium: m, campaign: c}}\nreferrer: r\n{more}\n");
    strip(Project::new(&yaml, vec![("e", frame(vec![events]))]).rows(Role::Main, &with_id(columns)))
}

/// Classifies by landing pages alone.
fn by_pages(more: &str, pages: &[&str], columns: &[&str]) -> Vec<Row> {
    let events = touches(vec![("p", texts(&pages.iter().map(|page| Some(*page)).collect::<Vec<_>>()))]);
    let yaml = format!("from: e\ntouch_id: id\nat: at\nlanding_page: p\n{more}\n");
    strip(Project::new(&yaml, vec![("e", frame(vec![events]))]).rows(Role::Main, &with_id(columns)))
}

fn with_id<'a>(columns: &[&'a str]) -> Vec<&'a str> {
    std::iter::once("touch_id").chain(columns.iter().copied()).collect()
}

/// Rows come sorted by touch, which is the order they were given in.
fn strip(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().map(|row| row[1..].to_vec()).collect()
}

#[test]
fn ga4_default_channel_group() {
    type Vector<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>, &'a str);
    let vectors: &[Vector<'_>] = &[
        ("google/cpc", Some("google"), Some("cpc"), None, "Paid Search"),
        ("cpm matches .*cp.*", Some("google"), Some("cpm"), None, "Paid Search"),
        ("cpm without a known source", Some("somewhere"), Some("cpm"), None, "Display"),
        ("paid social", Some("facebook.com"), Some("paid_social"), None, "Paid Social"),
        ("paid.* is anchored", Some("facebook.com"), Some("social_paid"), None, "Organic Social"),
        ("newsletter/email", Some("newsletter"), Some("email"), None, "Email"),
        ("email/cpc", Some("email"), Some("cpc"), None, "Paid Other"),
        ("bing/organic", Some("bing"), Some("organic"), None, "Organic Search"),
        ("x.com/referral", Some("x.com"), Some("referral"), None, "Referral"),
        ("chatgpt before the new channel", Some("chatgpt.com"), Some("referral"), None, "Referral"),
        ("chatgpt", Some("chatgpt.com"), Some("ai-assistant"), None, "AI Assistant"),
        ("winter-shop", Some("google"), Some("cpc"), Some("winter-shop"), "Paid Shopping"),
        ("workshop", Some("google"), Some("cpc"), Some("workshop"), "Paid Search"),
        ("eshop", Some("google"), Some("cpc"), Some("eshop"), "Paid Shopping"),
        ("e-shop, unpaid", Some("foo"), Some("bar"), Some("e-shop"), "Organic Shopping"),
        ("nothing", None, None, None, "Direct"),
        ("direct as GA4 writes it", Some("(direct)"), Some("(none)"), None, "Direct"),
        ("google/(null)", Some("google"), None, None, "Organic Search"),
        ("foo/bar", Some("foo"), Some("bar"), None, "Unassigned"),
        ("case does not matter", Some(" GOOGLE "), Some("CPC"), None, "Paid Search"),
        ("cross-network", Some("google"), Some("cpc"), Some("pmax Cross-Network"), "Cross-network"),
        ("youtube paid", Some("youtube"), Some("ppc"), None, "Paid Video"),
        ("video medium", Some("foo"), Some("my-video-ad"), None, "Organic Video"),
        ("social medium", Some("foo"), Some("social-network"), None, "Organic Social"),
        ("app", Some("foo"), Some("app"), None, "Referral"),
        ("e mail", Some("foo"), Some("e mail"), None, "Email"),
        ("affiliate", Some("foo"), Some("affiliate"), None, "Affiliates"),
        ("audio", Some("foo"), Some("audio"), None, "Audio"),
        ("sms", Some("sms"), Some("x"), None, "SMS"),
        ("push", Some("foo"), Some("web-push"), None, "Mobile Push Notifications"),
        ("firebase", Some("firebase"), Some("x"), None, "Mobile Push Notifications"),
        ("amazon", Some("amazon.co.uk"), Some("x"), None, "Organic Shopping"),
        ("empty text is no text", Some(""), Some(" "), Some(""), "Direct"),
    ];
    let rows: Vec<(Tags<'_>, Option<&str>)> = vectors.iter().map(|(_, s, m, c, _)| ([*s, *m, *c], None)).collect();
    let found = by_columns("", &rows, &["channel"]);
    for ((why, _, _, _, expected), row) in vectors.iter().zip(found) {
        assert_eq!(row, [*expected], "{why}");
    }
}

#[test]
fn a_referrer_alone_tells_the_channel() {
    let vectors = [
        ("https://www.google.co.uk/search", "Organic Search", "google.co.uk", "ga4_organic_search"),
        ("https://gemini.google.com/app", "AI Assistant", "gemini.google.com", "ext_ai_assistant_source"),
        ("https://chatgpt.com/", "AI Assistant", "chatgpt.com", "ext_ai_assistant_source"),
        ("https://l.facebook.com/l.php", "Organic Social", "l.facebook.com", "ga4_organic_social"),
        ("https://m.youtube.com/watch", "Organic Video", "m.youtube.com", "ga4_organic_video"),
        ("https://mail.google.com/", "Referral", "mail.google.com", "ext_referral_host"),
        ("https://blog.example.org/post", "Referral", "blog.example.org", "ext_referral_host"),
        ("https://app.own.example/x", "Direct", "-", "ga4_direct"),
        ("not a url", "Direct", "-", "ga4_direct"),
    ];
    let rows: Vec<(Tags<'_>, Option<&str>)> = vectors.iter().map(|(url, ..)| ([None; 3], Some(*url))).collect();
    let found = by_columns("internal_domains: [own.example]", &rows, &["channel", "source", "channel_rule"]);
    for ((url, channel, source, rule), row) in vectors.iter().zip(found) {
        assert_eq!(row, [*channel, *source, *rule], "{url}");
    }
}

#[test]
fn a_table_of_categories_completes_the_short_list() {
    let events =
        touches(vec![("s", texts(&[Some("x.com"), Some("google")])), ("m", texts(&[Some("cpc"), Some("cpc")]))]);
    let seed = super::table(vec![
        ("source", texts(&[Some("X.com"), Some("nonsense")])),
        ("source_category", texts(&[Some("SOURCE_CATEGORY_SOCIAL"), Some("GAMES")])),
    ]);
    let yaml = "{from: e, touch_id: id, at: at, utm: {source: s, medium: m}, source_categories: seed}";
    let tables = vec![("e", frame(vec![events])), ("seed", frame(vec![seed]))];
    let rows = Project::new(yaml, tables).rows(Role::Main, &["touch_id", "channel"]);
    assert_eq!(rows, [["t001", "Paid Social"], ["t002", "Paid Search"]]);
}

#[test]
fn landing_pages_are_read() {
    let columns = ["channel", "source", "medium", "campaign", "term", "content", "campaign_id", "click_id_kind"];
    let pages = [
        "https://a.example/?utm_source=News%20letter&UTM_MEDIUM=Email&utm_campaign=Spring+Sale&utm_term=Big%2BShoes&utm_content=A&utm_id=42",
        "https://a.example/?utm_source=first&utm_source=second&utm_medium=%2520",
        "https://a.example/p?x=1&gclid=abc#utm_source=late",
        "https://a.example/p?fbclid=",
        "https://a.example/?ScCid=1&msclkid=2",
    ];
    let rows = by_pages("", &pages, &columns);
    assert_eq!(rows[0], ["Email", "news letter", "email", "spring sale", "Big+Shoes", "A", "42", "-"]);
    assert_eq!(rows[1], ["Unassigned", "first", "%20", "-", "-", "-", "-", "-"]);
    assert_eq!(rows[2], ["Paid Search", "google", "cpc", "-", "-", "-", "-", "gclid"]);
    assert_eq!(rows[3], ["Direct", "-", "-", "-", "-", "-", "-", "-"]);
    assert_eq!(rows[4], ["Paid Search", "bing", "cpc", "-", "-", "-", "-", "msclkid"]);
}

#[test]
fn click_ids_and_tags_may_disagree() {
    let columns = ["channel", "source", "medium", "campaign", "tagging_conflict"];
    let page = |query: &str| format!("https://a.example/?{query}");
    let pages: Vec<String> = [
        "gclid=1&utm_source=google&utm_medium=cpc&utm_campaign=c",
        "gclid=1&utm_source=newsletter&utm_medium=email&utm_campaign=c",
        "gclid=1&utm_source=youtube&utm_medium=video",
        "gclid=1&utm_campaign=c",
        "fbclid=1",
        "fbclid=1&utm_source=newsletter&utm_medium=email",
        "srsltid=1",
        "mc_eid=1",
        "li_fat_id=1",
        "dclid=1",
        "gclid=1&msclkid=2",
        "irclickid=1",
    ]
    .map(page)
    .to_vec();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let expected_by_click = [
        ["Paid Search", "google", "cpc", "c", "false"],
        ["Paid Search", "google", "cpc", "c", "true"],
        ["Organic Video", "youtube", "video", "-", "false"],
        ["Paid Search", "google", "cpc", "c", "false"],
        ["Organic Social", "facebook", "-", "-", "false"],
        ["Email", "newsletter", "email", "-", "false"],
        ["Organic Shopping", "google", "-", "-", "false"],
        ["Email", "mailchimp", "email", "-", "false"],
        ["Paid Social", "linkedin", "cpc", "-", "false"],
        ["Display", "doubleclick", "display", "-", "false"],
        ["Paid Search", "google", "cpc", "-", "true"],
        ["Affiliates", "impact", "affiliate", "-", "false"],
    ];
    assert_eq!(by_pages("", &pages, &columns), expected_by_click);
    let mut expected_by_utm = expected_by_click;
    expected_by_utm[1] = ["Email", "newsletter", "email", "c", "true"];
    assert_eq!(by_pages("precedence: utm", &pages, &columns), expected_by_utm);
}

#[test]
fn links_are_graded() {
    let long = "x".repeat(101);
    let vectors: &[(Tags<'_>, &str, &str)] = &[
        ([Some("google"), Some("cpc"), Some("spring-sale")], "valid", "-"),
        ([Some("Google"), Some("cpc"), Some("spring")], "fixable", "utm_source: capital letters"),
        ([Some("google"), Some("cpc "), Some("spring")], "fixable", "utm_medium: space before or after"),
        ([Some("google"), Some("e-mail"), Some("spring")], "fixable", "utm_medium: a spelling that is replaced"),
        ([None, None, None], "missing", "-"),
        ([Some(" "), None, Some("")], "missing", "-"),
        ([Some("google"), Some("cpc"), None], "invalid", "utm_campaign: missing"),
        ([Some("google"), Some("whatever"), Some("spring")], "invalid", "utm_medium: not an allowed medium"),
        ([Some("google"), Some("cpc"), Some("spring sale")], "invalid", "utm_campaign: space inside"),
        ([Some("google"), Some("cpc"), Some("spring%20sale")], "invalid", "utm_campaign: space inside"),
        (
            [Some("google"), Some("cpc"), Some("50%off")],
            "invalid",
            "utm_campaign: characters other than a-z 0-9 . _ ~ -",
        ),
        ([Some("google"), Some("cpc"), Some("{{campaign.name}}")], "invalid", "utm_campaign: a placeholder"),
        ([Some("google"), Some("cpc"), Some("__CAMPAIGN__")], "invalid", "utm_campaign: a placeholder"),
        ([Some("undefined"), Some("cpc"), Some("x")], "invalid", "utm_source: a placeholder"),
        ([Some("https://google.com"), Some("cpc"), Some("x")], "invalid", "utm_source: a URL where a name should be"),
        ([Some("own.example"), Some("cpc"), Some("x")], "invalid", "utm_source: on a link inside the own site"),
        ([Some("google"), Some("cpc"), Some("jo@example.com")], "invalid", "utm_campaign: an e-mail address"),
        ([Some("google"), Some("cpc"), Some(&long)], "invalid", "utm_campaign: longer than 100 characters"),
        ([Some("Google"), Some("cpc"), Some("a b")], "invalid", "utm_campaign: space inside"),
    ];
    let rows: Vec<(Tags<'_>, Option<&str>)> = vectors.iter().map(|(tags, ..)| (*tags, None)).collect();
    let more = "internal_domains: [own.example]\nsynonyms: {medium: {e-mail: email}}";
    let found = by_columns(more, &rows, &["utm_grade", "utm_grade_reason"]);
    for ((tags, grade, reason), row) in vectors.iter().zip(found) {
        assert_eq!(row, [*grade, *reason], "{tags:?}");
    }
    let twice = "https://a.example/?utm_source=a&utm_source=a&utm_medium=cpc&utm_campaign=c";
    let found = by_pages("", &[twice], &["utm_grade", "utm_grade_reason"]);
    assert_eq!(found, [["invalid", "utm_source: given more than once"]]);
    let inside = ([Some("google"), Some("cpc"), Some("x")], Some("https://www.own.example/"));
    let found = by_columns(more, &[inside], &["utm_grade_reason"]);
    assert_eq!(found, [["utm_source: on a link inside the own site"]]);
}

#[test]
fn bad_input_never_panics() {
    let long = format!("https://a.example/?utm_source={}&gclid={}", "%f0%9f".repeat(50_000), "x".repeat(100_000));
    let pages = [
        long.as_str(),
        "https://a.example/?utm_sourc\u{e9}=x&ü=%",
        "?&&&=&=%&utm_=1&utm_source",
        "https://\u{1F600}.example/?utm_medium=\u{1F600}&%75tm_source=x",
        "\u{0}\u{0}://\u{0}?\u{0}",
        "https://[::1",
        "://",
    ];
    let rows = by_pages("", &pages, &["source", "utm_grade"]);
    assert_eq!(rows.len(), pages.len());
    assert_eq!(rows[2], ["-", "missing"]);
    assert_eq!(rows[3], ["-", "invalid"]);
}
