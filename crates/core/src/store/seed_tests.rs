use arrow::util::pretty::pretty_format_batches;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::syntax::read;

const COLUMNS: &str = "  source: {type: text, key: true}\n  weight: {type: \"decimal(5, 2)\", nullable: true}\n  since: {type: date, nullable: true}\n";

fn parse(columns: &str, more: &str, text: &str) -> (Option<Seed>, Vec<String>) {
    let yaml = format!("seed: sources\nfile: sources.csv\n{more}columns:\n{columns}");
    let mut sources = Sources::default();
    let yaml_file = sources.add("seeds/sources.yml", yaml.clone());
    let mut diags = Diagnostics::default();
    let spec: SeedSpec = read(yaml_file, &yaml, &mut diags).unwrap_or_else(|| panic!("{:?}", diags));
    let file = sources.add("sources.csv", text);
    let seed = Seed::parse(&spec, file, text, &mut diags).unwrap();
    let show = |d: Diagnostic| {
        let place = d.place.unwrap();
        let (path, _) = sources.get(place.file).unwrap();
        let (line, _) = sources.line_column(place).unwrap();
        let hint = d.hint.map(|hint| format!(" [{hint}]")).unwrap_or_default();
        format!("{}:{line} `{}`: {}{hint}", path.display(), sources.text(place).unwrap(), d.message)
    };
    (seed, diags.into_sorted().into_iter().map(show).collect())
}

#[test]
fn spreadsheets_are_read_as_people_save_them() {
    let text = "\u{feff}weight,source , since\r\n 1.5 ,google,2024-01-31\r\n\r\n,\"a, b\",\r\n,,\r\n2,\"he said \"\"x\"\"\",\r\n";
    let (seed, said) = parse(COLUMNS, "", text);
    assert_eq!(said, Vec::<String>::new());
    let seed = seed.unwrap();
    let expected = "\
+-------------+--------+------------+
| source      | weight | since      |
+-------------+--------+------------+
| google      | 1.50   | 2024-01-31 |
| a, b        |        |            |
| he said \"x\" | 2.00   |            |
+-------------+--------+------------+";
    assert_eq!(pretty_format_batches(&[seed.batch().clone()]).unwrap().to_string(), expected);
    assert_eq!(seed.columns().len(), 3);
    assert!(!seed.schema().field(0).is_nullable());
}

#[test]
fn every_mistake_has_its_place_in_the_csv() {
    let text = "\u{feff}source,weight,since\n\"google\",1.234,2024-01-31\n,2,31.01.2024\nbing,1\ngoogle,1,\n";
    let (seed, said) = parse(COLUMNS, "", text);
    assert!(seed.is_none());
    let expected = [
        "sources.csv:2 `1.234`: line 2: `weight` is `1.234`, which is not a `decimal(5, 2)`",
        "sources.csv:3 `,`: line 3: `source` is empty but not declared `nullable: true`",
        "sources.csv:3 `31.01.2024`: line 3: `since` is `31.01.2024`, which is not a date like `2024-01-31`",
        "sources.csv:4 `bing,1`: line 4 has 2 values where the first line names 3",
        "sources.csv:5 `google,1,`: line 5: the key `google` stands in line 2 already",
    ];
    assert_eq!(said, expected);
    // As Excel ends its lines.
    let (_, said) = parse(COLUMNS, "", &text.replace('\n', "\r\n"));
    assert_eq!(said, expected);
}

#[test]
fn the_first_line_must_name_the_declared_columns() {
    let (_, said) = parse(COLUMNS, "", "source,wieght,since,since\n");
    let expected = [
        "seeds/sources.yml:5 `weight`: the file `sources.csv` has no column `weight` [did you mean `wieght`?]",
        "sources.csv:1 `wieght`: the column `wieght` is not in the contract of `sources` [did you mean `weight`?]",
        "sources.csv:1 `since`: the column `since` stands twice in the first line",
    ];
    assert_eq!(said, expected);
    let (_, said) = parse(COLUMNS, "", "source;weight;since\ngoogle;1;\n");
    assert!(said.iter().any(|line| line.contains("say so with `delimiter: ';'`")), "{said:?}");
    let (seed, said) = parse(COLUMNS, "delimiter: ;\n", "source;weight;since\ngoogle;1;\n");
    assert!(seed.is_some(), "{said:?}");
    for empty in ["", "\u{feff}", "\n\n", ",,\n"] {
        let (seed, said) = parse(COLUMNS, "", empty);
        assert!(seed.is_none() && said[0].contains("the file is empty"), "{said:?}");
    }
}

#[test]
fn a_long_list_of_mistakes_is_cut() {
    let text = format!("source,weight,since\n{}", (0..50).map(|n| format!("s{n},x,\n")).collect::<String>());
    let (_, said) = parse(COLUMNS, "", &text);
    assert_eq!(said.len(), MAX_MISTAKES + 1);
    assert!(said[0].contains("30 more mistakes"), "{said:?}");
}

#[test]
fn files_that_are_not_text_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("sources.csv"), b"source,weight,since\n\xff\xfe\n").unwrap();
    let yaml = format!("seed: sources\nfile: sources.csv\ncolumns:\n{COLUMNS}");
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let spec: SeedSpec = read(0, &yaml, &mut diags).unwrap();
    assert!(Seed::open(&spec, dir.path(), Path::new(""), &mut sources, &mut diags).unwrap().is_none());
    assert!(Seed::open(&spec, dir.path(), Path::new("gone"), &mut sources, &mut diags).unwrap().is_none());
    let said: Vec<String> = diags.into_sorted().into_iter().map(|d| d.message).collect();
    assert!(
        said.iter().any(|m| m.contains("line 2 is not UTF-8"))
            && said.iter().any(|m| m.contains("there is no such file")),
        "{said:?}"
    );
}

#[test]
fn no_text_makes_it_panic_and_every_place_can_be_shown() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let parts = [
        "source",
        "weight",
        "since",
        ",",
        ",",
        "\n",
        "\r\n",
        "\"",
        "\"\"",
        " ",
        "ä",
        "\u{feff}",
        "1.5",
        "2024-01-31",
        ";",
        "\0",
    ];
    let (mut good, mut bad) = (0, 0);
    for round in 0..3000 {
        let header = if round % 2 == 0 { "source,weight,since\n" } else { "" };
        let body: String =
            (0..random.random_range(0..20)).map(|_| parts[random.random_range(0..parts.len())]).collect();
        let (seed, said) = parse(COLUMNS, "", &format!("{header}{body}"));
        assert_eq!(seed.is_some(), said.is_empty(), "{header}{body}");
        (good, bad) = (good + usize::from(seed.is_some()), bad + said.len());
    }
    assert!(good > 50 && bad > 1000, "{good} {bad}");
}

#[test]
fn a_seed_has_no_untyped_columns() {
    let (seed, said) = parse("  source: text\n  blob: any\n", "", "source,blob\na,b\n");
    assert!(seed.is_none());
    assert_eq!(
        said,
        ["seeds/sources.yml:5 `any`: `blob` of a seed must have a type of its own: a CSV file holds only text"]
    );
}
