use super::fixture::{column, link, small, source, table};
use super::*;
use crate::kinds::exhibit::{Bar, Chart, ChartGroup, ExhibitTable};

fn file(document: &Document, path: &str) -> String {
    let files = render(document).unwrap();
    files.into_iter().find(|f| f.path == path).unwrap_or_else(|| panic!("no file {path}")).text
}

#[test]
fn files_come_in_a_fixed_order() {
    let paths: Vec<String> = render(&small()).unwrap().into_iter().map(|f| f.path).collect();
    let expected = [
        "index.html",
        "dictionary.json",
        "index.md",
        "tables/visits.md",
        "tables/visits_rejects.md",
        "sources/leads.md",
        "guides/lifecycle.md",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn index_in_markdown() {
    let expected = "\
# Fjord Analytics: data dictionary

Funnel | revenue.

Release 7, as of 2026-11-20T03:00:00Z (run `0198-a`). Dates are taken in Europe/Oslo; amounts without a currency of their own are in NOK.

## models/marts

| Table | What it is for | Kind | Rows | Checks |
| --- | --- | --- | ---: | --- |
| [visits](tables/visits.md) | One row for each stage a lead was in. | lifecycle | 1,200 | 1 warned |
| [visits_rejects](tables/visits_rejects.md) | Rows that `visits` could not use. | lifecycle (rejects) | 4 |  |

## Sources

| Table | What it holds | System | Rows |
| --- | --- | --- | ---: |
| [leads](sources/leads.md) | Leads as Salesforce exports them. | salesforce | 1,204 |

## Guides

- [Lifecycle](guides/lifecycle.md)
";
    assert_eq!(file(&small(), "index.md"), expected);
}

#[test]
fn a_table_in_markdown() {
    let expected = "\
# visits

One row for each stage a lead was in.

| | |
| --- | --- |
| Kind | [lifecycle](../guides/lifecycle.md) |
| One row per | `lead_id`, `stage` |
| Owner | revops@example.com |
| Classification | internal |
| Rows | 1,200 |
| Rejected rows | 4 in [visits_rejects](../tables/visits_rejects.md) |
| Freshness | latest 2026-11-20T01:00:00Z, by `entered_at`, expected within 24 hours, fresh |
| Reads | [leads](../sources/leads.md) |
| Location | `s3://lake/gold/visits` |
| Format | delta |
| Digest | `b3:77` |
| Declared in | `models/marts/visits.yml` |

## How it is made

Stages follow from `status`; half-life &lt; 7 days.

### What is assumed

- Status changes are complete.

### What it cannot tell

- 1\\. History before 2024 is missing.

## Columns

| Column | Type | What it means | Made from | Source columns |
| --- | --- | --- | --- | --- |
| `lead_id` | text, not null | The lead. *Indirectly personal.* | [leads](../sources/leads.md).`id` | [leads](../sources/leads.md).`id` |
| `stage` | text | Where it stood: `mql\\|sql`. | [leads](../sources/leads.md).`status` | [leads](../sources/leads.md).`status` |

## Profile

| Column | Null | Distinct | Least | Greatest | Most frequent |
| --- | ---: | ---: | --- | --- | --- |
| `lead_id` | 0% |  |  |  | withheld: personal |
| `stage` | 0.3% | 2 |  |  | `mql` 1,000, `sql` 197 |

## Checks

| Check | Column | Result | Failures | |
| --- | --- | --- | ---: | --- |
| not_null | `stage` | warned | 3 | 3 of 1,200 rows |

## The last run

| Counted | Of | Rows |
| --- | --- | ---: |
| rows in | leads | 1,204 |

## Definition

```yaml
model: visits
lifecycle: {from: leads}
```
";
    assert_eq!(file(&small(), "tables/visits.md"), expected);
}

/// A document whose first table shows an example and a picture.
fn showing() -> Document {
    let mut document = small();
    let bar = |label: &str, value, shown: &str| Bar { label: label.into(), value, shown: shown.into() };
    let mut table = ExhibitTable::new("Who gets what", [("Model".to_string(), false), ("Sum".to_string(), true)]);
    table.rows.push(vec!["`linear`".to_string(), "12,000.00".to_string()]);
    table.rows.push(vec!["a | <b>".to_string(), "-1.00".to_string()]);
    document.tables[0].exhibits = vec![Exhibit {
        title: "A worked example".into(),
        text: vec!["One of *them*, by `linear`.".into()],
        chart: Some(Chart {
            caption: "What findings weigh".into(),
            less: "others".into(),
            more: "the same".into(),
            groups: vec![ChartGroup {
                title: "email".into(),
                bars: vec![
                    bar("equal", 12_000, "+12.00"),
                    bar("different", -3_000, "-3.00"),
                    bar("alike", 10, "+0.01"),
                ],
            }],
        }),
        tables: vec![table],
        notes: vec!["It closes.".into()],
    }];
    document
}

#[test]
fn an_exhibit_in_markdown() {
    let text = file(&showing(), "tables/visits.md");
    let from = text.find("## A worked example").unwrap();
    let to = text.find("## Columns").unwrap();
    let expected = "\
## A worked example

One of \\*them\\*, by `linear`.

What findings weigh:

```text
email
  equal                  │████████████████████████ +12.00
  different  -3.00 ██████│
  alike                  │ +0.01
                ◂ others │ the same ▸
```

Who gets what:

| Model | Sum |
| --- | ---: |
| `linear` | 12,000.00 |
| a \\| &lt;b&gt; | -1.00 |

It closes.

";
    assert_eq!(&text[from..to], expected);
}

#[test]
fn exhibits_are_in_the_json_and_in_the_page_and_older_files_without_them_are_read() {
    let text = file(&showing(), "dictionary.json");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let exhibit = &value["tables"][0]["exhibits"][0];
    assert_eq!(exhibit["title"], "A worked example");
    assert_eq!(exhibit["tables"][0]["rows"][0], serde_json::json!(["`linear`", "12,000.00"]));
    assert_eq!(exhibit["chart"]["groups"][0]["bars"][1]["value"], -3_000);
    assert_eq!(read(&text).unwrap(), showing());
    let mut older = value;
    older["tables"].as_array_mut().unwrap().iter_mut().for_each(|table| {
        table.as_object_mut().unwrap().remove("exhibits");
    });
    assert_eq!(read(&older.to_string()).unwrap(), small());
    let page = file(&showing(), "index.html");
    assert!(page.contains("function exhibitSections") && page.contains(".exhibit-scroll"));
    assert!(page.contains("a | \\u003cb\\u003e"), "what an exhibit says stays text");
}

#[test]
fn a_source_in_markdown_names_its_readers() {
    let text = file(&small(), "sources/leads.md");
    assert!(text.contains("| System | salesforce |\n"), "{text}");
    let readers = "| Read by | [visits](../tables/visits.md), [visits_rejects](../tables/visits_rejects.md) |\n";
    assert!(text.contains(readers), "{text}");
}

#[test]
fn json_has_a_version_and_every_promised_key() {
    let text = file(&small(), "dictionary.json");
    assert!(text.starts_with("{\n  \"schema_version\": 1,\n  \"project\": {"), "{}", &text[..60]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let visits = &value["tables"][0];
    assert_eq!(visits["name"], "visits");
    assert_eq!(visits["role"], "main");
    assert_eq!(visits["description"], "One row for each stage a lead was in.");
    assert_eq!(visits["upstream"], serde_json::json!(["leads"]));
    let expected = serde_json::json!({
        "name": "stage",
        "type": "text",
        "nullable": true,
        "description": "Where it stood: `mql|sql`.",
        "pii": "none",
        "lineage": [{"table": "leads", "column": "status"}],
        "sources": [{"table": "leads", "column": "status"}],
        "used_by": [],
        "profile": {
            "rows": 1200,
            "nulls": 3,
            "null_share": 0.0025,
            "distinct": {"count": 2, "exact": true},
            "min": null,
            "max": null,
            "top": [{"value": "mql", "rows": 1000}, {"value": "sql", "rows": 197}],
            "withheld": null
        }
    });
    assert_eq!(visits["columns"][1], expected);
}

#[test]
fn json_reads_back_and_refuses_other_versions() {
    let text = file(&small(), "dictionary.json");
    assert_eq!(read(&text).unwrap(), small());
    let newer = text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1);
    let error = read(&newer).unwrap_err();
    assert_eq!(error.message(), "the dictionary has schema version 2, expected 1");
    assert_eq!(read("{}").unwrap_err().message(), "the file is not a data dictionary");
}

#[test]
fn equal_documents_give_equal_bytes() {
    assert_eq!(render(&small()).unwrap(), render(&small().clone()).unwrap());
}

/// Everything a hostile description might try.
const HOSTILE: &str = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> {{data}} & | `a|b` \u{2028}";

fn hostile() -> Document {
    let mut document = small();
    document.project.name = HOSTILE.into();
    document.tables[0].description = HOSTILE.into();
    document.tables[0].definition = Some(format!("{HOSTILE}\n```\n# out of the block"));
    document.tables[0].columns[1].description = HOSTILE.into();
    document
}

#[test]
fn nothing_in_the_document_becomes_markup_of_the_page() {
    let page = file(&hostile(), "index.html");
    let opened = page.matches("<script").count();
    assert_eq!((opened, page.matches("</script").count()), (2, 2), "the page's own two scripts and no more");
    assert!(!page.contains("<!--"));
    assert!(!page.contains("<img"));
    let data = page.split("id=\"dictionary\">").nth(1).unwrap().split("</script>").next().unwrap();
    assert_eq!(read(data).unwrap(), hostile());
}

#[test]
fn the_page_asks_nothing_of_the_network_and_writes_no_markup() {
    let page = file(&small(), "index.html");
    assert!(page.contains("default-src 'none'"));
    for foreign in ["src=\"", "@import", "url(", "href=\"http", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn markdown_escapes_what_would_act() {
    let text = file(&hostile(), "tables/visits.md");
    let outside_code = text.split("\n## Definition").next().unwrap();
    assert!(!outside_code.contains("<script") && !outside_code.contains("<img"), "{outside_code}");
    assert!(outside_code.contains("&lt;/script&gt;"));
    let row = outside_code.lines().find(|l| l.starts_with("| `stage` | text")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "five cells: {row}");
    assert!(text.ends_with("```\n# out of the block\n````\n"), "the fence is longer than any in the text: {text}");
}

#[test]
fn markdown_text_stays_text() {
    use super::markdown::paragraph;
    for (given, expected) in [
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("12) no list. Really", "12\\) no list. Really"),
        ("3 days", "3 days"),
        ("a * b, [x](y), ~z~", "a \\* b, \\[x\\](y), \\~z\\~"),
        ("snake_case and _this_", "snake_case and \\_this\\_"),
        ("two\n\nlines", "two lines"),
        ("`a < b` and c < d", "`a < b` and c &lt; d"),
        ("an open ` tick", "an open \\` tick"),
        ("", ""),
    ] {
        assert_eq!(paragraph(given), expected);
    }
}

#[test]
fn lineage_goes_through_models_to_sources() {
    let mut document = Document {
        tables: vec![
            table("mart", vec![column("total", "bigint", "", &[("left", "a"), ("right", "b")])]),
            table("left", vec![column("a", "bigint", "", &[("raw", "x")])]),
            table("right", vec![column("b", "bigint", "", &[("raw", "x"), ("raw", "y"), ("gone", "z")])]),
        ],
        sources: vec![source("raw", vec![column("x", "bigint", "", &[]), column("y", "bigint", "", &[])])],
        ..Document::default()
    };
    document.link();
    let mart = &document.tables[0];
    // `gone` is in no page: a leaf like a source.
    assert_eq!(mart.columns[0].sources, [link("gone", "z"), link("raw", "x"), link("raw", "y")]);
    assert_eq!(mart.upstream, ["left", "right"]);
    assert_eq!(document.tables[1].downstream, ["mart"]);
    assert_eq!(document.sources[0].downstream, ["left", "right"]);
    assert_eq!(document.sources[0].columns[0].used_by, [link("left", "a"), link("right", "b")]);
    let once = document.clone();
    document.link();
    assert_eq!(document, once);
}

#[test]
fn lineage_ends_in_circles_and_deep_chains() {
    let mut tables: Vec<TablePage> = (1..=400)
        .map(|i| table(&format!("t{i}"), vec![column("c", "int", "", &[(&format!("t{}", i - 1), "c")])]))
        .collect();
    tables.push(table("a", vec![column("c", "int", "", &[("b", "c")])]));
    tables.push(table("b", vec![column("c", "int", "", &[("a", "c"), ("t0", "c")])]));
    let mut document = Document { tables, sources: vec![source("t0", Vec::new())], ..Document::default() };
    document.link();
    for name in ["t400", "a", "b"] {
        let found = document.tables.iter().find(|t| t.name == name).unwrap();
        assert_eq!(found.columns[0].sources, [link("t0", "c")], "{name}");
    }
}

#[test]
fn a_page_starts_from_a_contract() {
    use crate::contract::{ColumnRef, rejects_contract};
    use crate::syntax::{ColumnName, TableName};
    let model = TableName::new_unchecked("visits");
    let mut contract = rejects_contract(&model, &[("null_key", "the key is missing")]);
    let origin = ColumnRef { table: TableName::new_unchecked("leads"), column: ColumnName::new_unchecked("id") };
    contract.columns[1].lineage = vec![origin];
    let page = TablePage::from_contract(&contract, "visits", "lifecycle");
    assert_eq!((page.name.as_str(), page.model.as_str(), page.role), ("visits_rejects", "visits", Role::Rejects));
    assert_eq!(page.columns[0].ty, "text");
    assert!(!page.columns[0].nullable);
    assert_eq!(page.columns[1].pii, Pii::Indirect);
    assert_eq!(page.columns[1].lineage, [link("leads", "id")]);
    assert_eq!(page.methodology.summary.len(), 1);
    assert!(page.published);
}
