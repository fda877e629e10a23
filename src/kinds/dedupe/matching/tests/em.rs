//! Estimation: parameters that data was made with come back, and nothing degenerates.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::compare::with_level;
use super::super::defaults;
use super::super::em::{Estimate, FieldLevels, estimate};
use super::super::totals::Counts;
use super::*;

/// Draws a level from probabilities.
fn draw(random: &mut ChaCha8Rng, shares: &[f64]) -> usize {
    let mut left: f64 = random.random();
    for (place, share) in shares.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return place + 1;
        }
    }
    shares.len()
}

fn counted(pairs: &[u128], scale: f64, levels: Vec<Vec<u64>>, seen: u64, all: f64) -> Counts {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    let patterns: Vec<(u128, u64)> = sorted.chunk_by(|x, y| x == y).map(|run| (run[0], run.len() as u64)).collect();
    Counts { blocked_pairs: pairs.len() as f64 * scale, patterns, scale, levels, seen, pairs: all }
}

/// Fields of three levels, of which the first `own` are each one's own.
fn learnt(counts: &Counts, fields: usize, own: usize) -> Estimate {
    let tests = [Test::Exact, Test::JaroWinkler(0.9), Test::Else];
    let field = |at: usize| FieldLevels { tests: &tests, equal_pairs: None, is_own: at < own };
    estimate(counts, &(0..fields).map(field).collect::<Vec<_>>())
}

/// Pairs drawn from classes, so many of each; of the last class, that of the others, only so many share a block.
fn drawn(random: &mut ChaCha8Rng, classes: &[(usize, &[[f64; 3]])], blocked: usize) -> Counts {
    let fields = classes[0].1.len();
    let (mut pairs, mut levels, mut seen) = (Vec::new(), vec![vec![0_u64; 16]; fields], 0);
    for (class, (count, shares)) in classes.iter().enumerate() {
        for at in 0..*count {
            let found: Vec<usize> = shares.iter().map(|shares| draw(random, shares)).collect();
            if class + 1 < classes.len() || at < blocked {
                let pattern = |pattern, (field, level): (usize, &usize)| with_level(pattern, field, *level);
                pairs.push(found.iter().enumerate().fold(0, pattern));
            } else {
                seen += 1;
                found.iter().zip(&mut levels).for_each(|(level, counts)| counts[*level] += 1);
            }
        }
    }
    let all = (pairs.len() as u64 + seen) as f64;
    counted(&pairs, 1.0, levels, seen, all)
}

fn assert_near(found: &[Vec<f64>], made: &[[f64; 3]], most: f64) {
    for (field, (found, made)) in found.iter().zip(made).enumerate() {
        for (level, (found, made)) in found.iter().zip(made).enumerate() {
            assert!((found - made).abs() < most, "{field} {level}: {found} and not {made}");
        }
    }
}

#[test]
fn the_parameters_that_made_the_data_come_back() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let m = [[0.9, 0.07, 0.03], [0.8, 0.15, 0.05], [0.7, 0.2, 0.1], [0.95, 0.03, 0.02]];
    let u = [[0.001, 0.01, 0.989], [0.002, 0.01, 0.988], [0.01, 0.02, 0.97], [0.05, 0.05, 0.9]];
    // 4,000 true pairs among 400,000.
    let learnt = learnt(&drawn(&mut random, &[(4_000, &m), (396_000, &u)], 6_000), 4, 0);
    assert!(learnt.converged, "{learnt:?}");
    assert!((learnt.matches.share - 0.01).abs() < 0.0005, "{}", learnt.matches.share);
    assert_near(&learnt.matches.levels, &m, 0.02);
    assert_near(&learnt.u, &u, 0.005);
}

/// Two fields of one's own, three that related people share.
const OWN: usize = 2;
const MATCHED: [[f64; 3]; 5] =
    [[0.9, 0.07, 0.03], [0.85, 0.1, 0.05], [0.9, 0.05, 0.05], [0.7, 0.1, 0.2], [0.6, 0.1, 0.3]];
const RELATED: [[f64; 3]; 5] =
    [[0.01, 0.01, 0.98], [0.002, 0.01, 0.988], [0.8, 0.1, 0.1], [0.9, 0.05, 0.05], [0.75, 0.05, 0.2]];
const OTHERS: [[f64; 3]; 5] =
    [[0.01, 0.01, 0.98], [0.002, 0.01, 0.988], [0.01, 0.02, 0.97], [0.001, 0.004, 0.995], [0.001, 0.001, 0.998]];

#[test]
fn related_people_are_told_from_matches_though_there_are_more_of_them() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let counts = drawn(&mut random, &[(1_500, &MATCHED), (6_000, &RELATED), (92_500, &OTHERS)], 92_500);
    let found = learnt(&counts, 5, OWN);
    let related = found.related.as_ref().expect("related people are many");
    assert!((found.matches.pairs - 1_500.0).abs() < 60.0, "{}", found.matches.pairs);
    assert!((related.pairs - 6_000.0).abs() < 200.0, "{}", related.pairs);
    assert!((found.others() - 0.925).abs() < 0.001, "{}", found.others());
    assert_near(&found.matches.levels, &MATCHED, 0.04);
    assert_near(&related.levels, &RELATED, 0.02);
    assert_near(&found.u, &OTHERS, 0.005);
    // Without a word on what is each one's own, they are matches.
    let blind = learnt(&counts, 5, 0);
    assert!(blind.related.is_none() && blind.matches.pairs > 6_500.0, "{}", blind.matches.pairs);
}

#[test]
fn where_nobody_is_related_there_are_two_classes() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let counts = drawn(&mut random, &[(4_000, &MATCHED), (396_000, &OTHERS)], 6_000);
    let found = learnt(&counts, 5, OWN);
    assert!(found.related.is_none(), "{:?}", found.related);
    assert_eq!(found, learnt(&counts, 5, 0));
}

#[test]
fn without_matches_the_prior_stays() {
    let tests = defaults::levels(FieldKind::FamilyName);
    let different = with_level(0, 0, tests.len());
    let mut levels = vec![vec![0; 16]];
    levels[0][tests.len()] = 1_000;
    let counts = counted(&[different; 50], 1.0, levels, 1_000, 10_000.0);
    let learnt = estimate(&counts, &[FieldLevels { tests: &tests, equal_pairs: Some(0.0), is_own: false }]);
    assert!(learnt.matches.pairs < 5.0);
    assert!((learnt.matches.levels[0][0] - 0.85).abs() < 1e-9, "{learnt:?}");
    assert!(learnt.u[0][0] < 0.001 && learnt.u[0][tests.len() - 1] > 0.9, "{learnt:?}");
}

#[test]
fn a_later_level_of_the_scale_never_weighs_more() {
    for seed in 0..5 {
        let (rows, _) = made_up(seed, 80);
        let records = records(&PEOPLE, &rows);
        let blocks = blocks(&records, &["email", "last_name", "first(3, first_name) + first(4, born)"], 200);
        let plans: Vec<FieldPlan> = PEOPLE.iter().map(|(name, _)| FieldPlan::of(name)).collect();
        let model =
            Model::train(&records, &plans, &blocks, &TrainOptions { random_pairs: 2_000, ..TrainOptions::default() })
                .unwrap();
        for field in &model.fields {
            let graded: Vec<i32> =
                field.levels.iter().filter(|level| level.when.is_graded()).map(|level| level.bits).collect();
            assert!(graded.windows(2).all(|two| two[0] >= two[1]), "{}: {graded:?}", field.name);
            assert!(graded[0] > 0 && graded[graded.len() - 1] < 0, "{}: {graded:?}", field.name);
            assert!(
                field.levels.iter().all(|level| level.m > 0.0 && level.u > 0.0 && level.m <= 1.0 && level.u <= 1.0)
            );
        }
    }
}

#[test]
fn a_model_depends_on_seed_and_records_alone() {
    let (rows, _) = made_up(1, 300);
    let records = records(&PEOPLE, &rows);
    let blocks = blocks(&records, &["email", "last_name"], 200);
    let plans: Vec<FieldPlan> = PEOPLE.iter().map(|(name, _)| FieldPlan::of(name)).collect();
    let train = |threads: usize, seed: u64| {
        // Few pairs, so that both samplings are drawn.
        let options = TrainOptions { threads, seed, random_pairs: 30_000, blocked_pairs: 300 };
        Model::train(&records, &plans, &blocks, &options).unwrap()
    };
    let model = train(1, 1);
    for threads in [2, 3, 16] {
        assert_eq!(train(threads, 1), model);
    }
    assert_ne!(train(1, 2), model);
}

#[test]
fn a_sample_of_blocked_pairs_stands_for_all() {
    let (rows, _) = made_up(2, 800);
    let records = records(&PEOPLE, &rows);
    let blocks = blocks(&records, &["last_name", "born"], 200);
    let plans: Vec<FieldPlan> = PEOPLE.iter().map(|(name, _)| FieldPlan::of(name)).collect();
    let train = |blocked_pairs: u64| {
        let options = TrainOptions { blocked_pairs, random_pairs: 20_000, ..TrainOptions::default() };
        Model::train(&records, &plans, &blocks, &options).unwrap()
    };
    let (all, some) = (train(10_000_000), train(1_500));
    assert!((some.lambda / all.lambda - 1.0).abs() < 0.25, "{} {}", some.lambda, all.lambda);
    let exact = |model: &Model| model.fields[2].levels[0].m;
    assert!((exact(&some) - exact(&all)).abs() < 0.1, "{} {}", exact(&some), exact(&all));
}
