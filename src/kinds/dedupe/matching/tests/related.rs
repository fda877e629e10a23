//! People who live together: they share much and are not one.

use super::super::compare::level_in;
use super::super::weights::owed_to_related;
use super::*;

const FIELDS: [(&str, FieldKind); 6] = [
    ("first_name", FieldKind::GivenName),
    ("last_name", FieldKind::FamilyName),
    ("born", FieldKind::Date),
    ("street", FieldKind::Address),
    ("city", FieldKind::City),
    ("phone", FieldKind::Phone),
];

/// Households of one to five people with one or two records each, with typos and gaps; and who is who.
fn households(seed: u64, count: usize) -> (Vec<Vec<String>>, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut rows, mut truth, mut person) = (Vec::new(), Vec::new(), 0);
    for _ in 0..count {
        let mut word = |parts: usize| -> String {
            (0..parts)
                .map(|_| ["ber", "son", "kat", "ley", "mor", "tin", "wal", "fin"][random.random_range(0..8)])
                .collect()
        };
        let (family, road, city) = (word(3), word(3), word(2));
        let street = format!("{} {road} street", random.random_range(1..200));
        let phone = format!("0{}", random.random_range(200_000_000..999_999_999_u32));
        for _ in 0..random.random_range(1..6) {
            let given: String =
                (0..3).map(|_| ["an", "ol", "ri", "mu", "ke", "da", "vo", "se"][random.random_range(0..8)]).collect();
            let (year, month, day) =
                (random.random_range(1930..2015), random.random_range(1..13), random.random_range(1..29));
            for _ in 0..random.random_range(1..3) {
                let born = format!("{year}-{month:02}-{day:02}");
                let mut row = [&given, &family, &born, &street, &city, &phone].map(String::clone).to_vec();
                for cell in &mut row {
                    match random.random_range(0..16) {
                        0 => cell.clear(),
                        1 => typo(&mut random, cell),
                        _ => {}
                    }
                }
                rows.push(row);
                truth.push(person);
            }
            person += 1;
        }
    }
    (rows, truth)
}

fn learnt(records: &Records, blocks: &[Blocks]) -> Model {
    let plans: Vec<FieldPlan> = FIELDS.iter().map(|(name, _)| FieldPlan::of(name)).collect();
    Model::train(records, &plans, blocks, &TrainOptions { random_pairs: 20_000, ..TrainOptions::default() }).unwrap()
}

#[test]
fn people_of_one_household_are_not_one() {
    let (rows, truth) = households(31, 150);
    let records = records(&FIELDS, &rows);
    let blocks = blocks(&records, &["last_name", "street", "phone", "first_name + born"], 200);
    let model = learnt(&records, &blocks);
    assert!(model.related.is_some(), "{}", model.explain());
    let scorer = Scorer::new(&records, &model).unwrap();
    let (mut right, mut wrong) = (0, 0);
    scorer
        .run(&records, &blocks, threshold(0.95), 2, |pairs| {
            for pair in pairs {
                let same = truth[pair.a as usize] == truth[pair.b as usize];
                *if same { &mut right } else { &mut wrong } += 1;
            }
            Ok(())
        })
        .unwrap();
    let mut sizes = std::collections::BTreeMap::new();
    truth.iter().for_each(|person| *sizes.entry(person).or_insert(0_usize) += 1);
    let all: usize = sizes.values().map(|size| size * (size - 1) / 2).sum();
    assert!(wrong * 100 <= right && right * 100 >= all * 95, "{right} right of {all}, {wrong} wrong");
    // By its findings alone, without what is owed to related people, a household would be one.
    let blind = Model { related: None, ..model.clone() };
    let blind = Scorer::new(&records, &blind).unwrap();
    let mut taken = 0;
    blind
        .run(&records, &blocks, threshold(0.95), 2, |pairs| {
            taken += pairs.iter().filter(|pair| truth[pair.a as usize] != truth[pair.b as usize]).count();
            Ok(())
        })
        .unwrap();
    assert!(taken > 10 * wrong.max(1), "{taken} wrong without, {wrong} with");
}

#[test]
fn the_weight_is_the_sum_less_what_related_people_would_show_too() {
    let (rows, _) = households(32, 40);
    let records = records(&FIELDS, &rows);
    let blocks = blocks(&records, &["last_name", "street"], 200);
    let model = learnt(&records, &blocks);
    let related = model.related.expect("households are many");
    let scorer = Scorer::new(&records, &model).unwrap();
    let mut owing = 0;
    for (a, b) in (0..records.len() as u32).flat_map(|a| (0..a).map(move |b| (b, a))) {
        let pair = scorer.explain(a, b);
        let steps = scorer.steps(&pair);
        let sum = model.prior_bits + steps.iter().map(|step| step.weight_millibits).sum::<i32>();
        // As it is written down: of what everybody has of his own, how rare a value is says nothing of being related.
        let mut weighed = related.prior_bits;
        for (place, (field, step)) in model.fields.iter().zip(&steps).enumerate() {
            let Some(level) = level_in(pair.pattern, place).checked_sub(1) else { continue };
            weighed += field.levels[level].related.unwrap().bits;
            if !["first_name", "born"].contains(&field.name.as_str()) {
                weighed += step.frequency_millibits;
            }
        }
        let owed = ((1.0 + (f64::from(weighed) / 1_000.0).exp2()).log2() * 1_000.0).round() as i32;
        assert_eq!(scorer.owed_to_related(pair.pattern, pair.a), owed, "{weighed}");
        assert_eq!(pair.weight_millibits, sum - owed);
        owing += usize::from(owed > 1_000);
    }
    assert!(owing > 40, "{owing} pairs look like related people");
    assert_eq!(model.told_apart_by(), ["first_name", "born"]);
}

#[test]
fn scores_with_related_people_are_the_same_at_every_threshold() {
    let (rows, _) = households(33, 60);
    let records = records(&FIELDS, &rows);
    let blocks = blocks(&records, &["last_name", "street", "first_name"], 200);
    let model = learnt(&records, &blocks);
    assert!(model.related.is_some());
    let scorer = Scorer::new(&records, &model).unwrap();
    let run = |least: i32, threads: usize| {
        let mut found = Vec::new();
        scorer
            .run(&records, &blocks, least, threads, |pairs| {
                found.extend_from_slice(pairs);
                Ok(())
            })
            .unwrap();
        found
    };
    let all = run(i32::MIN, 1);
    for least in [-10_000, 0, threshold(0.5), threshold(0.95), 20_000] {
        let expected: Vec<ScoredPair> = all.iter().filter(|pair| pair.weight_millibits >= least).copied().collect();
        assert!([1, 3].into_iter().all(|threads| run(least, threads) == expected), "at least {least}");
    }
}

#[test]
fn what_is_owed_is_log2_of_one_more_than_the_odds() {
    // 1 + 1 = 2; 1 + 2^2 = 5, whose log2 is 2.32193; 1 + 2^-2 = 1.25: 0.32193; beyond a hundred bits only those count.
    let cases = [(0, 1_000), (2_000, 2_322), (-2_000, 322), (-30_000, 0), (100_000, 100_000), (i32::MAX, i32::MAX)];
    assert_eq!(cases.map(|(related, _)| owed_to_related(related)), cases.map(|(_, owed)| owed));
    assert_eq!(owed_to_related(i32::MIN), 0);
}

#[test]
fn no_library_of_mathematics_rounds_otherwise_what_is_owed() {
    for related in -20_000..=64_000 {
        let exact = (f64::from(related) / 1_000.0).exp2().ln_1p() / std::f64::consts::LN_2 * 1_000.0;
        let to_next = (exact - exact.floor() - 0.5).abs();
        assert!(to_next > 1e-7, "{related} owes {exact}");
    }
}

#[test]
fn who_has_no_names_of_people_is_told_apart_by_its_own() {
    let own = |kinds: &[FieldKind]| {
        let of_people = FieldKind::are_of_people(kinds.iter().copied());
        kinds.iter().filter(|kind| kind.is_own(of_people)).map(ToString::to_string).collect::<Vec<_>>()
    };
    use FieldKind as K;
    assert_eq!(own(&[K::Company, K::Domain, K::Address, K::Phone, K::Id]), ["company", "id"]);
    assert_eq!(own(&[K::GivenName, K::FamilyName, K::Company, K::Email, K::Phone]), ["given_name", "email"]);
    assert_eq!(own(&[K::FullName, K::Company, K::Date]), ["full_name", "date"]);
}
