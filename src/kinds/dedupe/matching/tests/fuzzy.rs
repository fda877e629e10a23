//! Fuzzy rules against the naive way.

use super::*;

fn rule(similar: &[(&str, f64)], within: &str) -> FuzzyRule {
    let kind = |name: &str| PEOPLE.iter().find(|(own, _)| *own == name).unwrap().1;
    let similar = similar.iter().map(|(name, least)| (name.to_string(), Measure::of(kind(name)), *least)).collect();
    FuzzyRule { similar, within: within.parse().unwrap() }
}

#[test]
fn fuzzy_pairs_are_those_of_the_naive_way() {
    for seed in 30..33 {
        let (rows, _) = made_up(seed, 80);
        let records = records(&PEOPLE, &rows);
        let rule = rule(&[("first_name", 0.85), ("last_name", 0.9), ("email", 0.7)], "city");
        let blocks = Blocks::build(&rule.within, &records, 10_000).unwrap();
        let mut expected = Vec::new();
        for a in 0..records.len() as u32 {
            for b in a + 1..records.len() as u32 {
                let both = |at: usize| Some((records.columns()[at].of(a)?, records.columns()[at].of(b)?));
                let winkler = |at: usize| both(at).map_or(0.0, |(x, y)| strsim::jaro_winkler(x, y));
                let (first, last) = (winkler(0), winkler(1));
                let email = both(2).map_or(0.0, |(x, y)| {
                    1.0 - strsim::osa_distance(x, y) as f64 / x.chars().count().max(y.chars().count()) as f64
                });
                let city = both(4).is_some_and(|(x, y)| x == y);
                if city && first >= 0.85 && last >= 0.9 && email >= 0.7 - 1e-9 {
                    expected.push((a, b, ((first + last + email) / 3.0 * 1_000.0).round() as i32));
                }
            }
        }
        assert!(expected.len() > 10);
        for threads in [1, 2, 4] {
            let mut found = Vec::new();
            let compared = rule.run(&records, &blocks, threads, |pairs| {
                found.extend(pairs.iter().map(|pair| (pair.a, pair.b, pair.similarity_thousandths)));
                Ok(())
            });
            assert_eq!(compared.unwrap(), blocks.pairs);
            assert_eq!(found, expected, "seed {seed}");
        }
    }
}

#[test]
fn a_rule_that_cannot_be_run_says_why() {
    let records = records(&PEOPLE[..1], &rows(&["ann", "ann"]));
    let blocks = Blocks::build(&"first_name".parse().unwrap(), &records, 50).unwrap();
    let run = |rule: &FuzzyRule| rule.run(&records, &blocks, 1, |_| Ok(())).unwrap_err().to_string();
    assert!(run(&rule(&[("last_name", 0.9)], "first_name")).contains("there is no field `last_name` to compare"));
    assert!(run(&rule(&[("first_name", 92.0)], "first_name")).contains("`first_name` cannot be alike by 92"));
    let stop = rule(&[("first_name", 0.9)], "first_name")
        .run(&records, &blocks, 2, |_| Err(crate::error::Error::data("enough")));
    assert_eq!(stop.unwrap_err().message(), "enough");
}
