//! Estimation: parameters that data was made with come back, and nothing degenerates.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::compare::with_level;
use super::super::defaults;
use super::super::em::{Counts, estimate};
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

#[test]
fn the_parameters_that_made_the_data_come_back() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let m = [[0.9, 0.07, 0.03], [0.8, 0.15, 0.05], [0.7, 0.2, 0.1], [0.95, 0.03, 0.02]];
    let u = [[0.001, 0.01, 0.989], [0.002, 0.01, 0.988], [0.01, 0.02, 0.97], [0.05, 0.05, 0.9]];
    let tests: Vec<Vec<Test>> = vec![vec![Test::Exact, Test::JaroWinkler(0.9), Test::Else]; 4];
    // 4,000 true pairs among 400,000; all others unblocked save 6,000.
    let mut pairs = Vec::new();
    let mut levels = vec![vec![0_u64; 16]; 4];
    for at in 0..400_000 {
        let shares = if at < 4_000 { &m } else { &u };
        let found: Vec<usize> = shares.iter().map(|shares| draw(&mut random, shares)).collect();
        if at < 10_000 {
            pairs.push(found.iter().enumerate().fold(0, |pattern, (field, level)| with_level(pattern, field, *level)));
        } else {
            found.iter().zip(&mut levels).for_each(|(level, counts)| counts[*level] += 1);
        }
    }
    let tests: Vec<&[Test]> = tests.iter().map(Vec::as_slice).collect();
    let learnt = estimate(&counted(&pairs, 1.0, levels, 390_000, 400_000.0), &[None; 4], &[3; 4], &tests);
    assert!(learnt.converged, "{learnt:?}");
    assert!((learnt.lambda - 0.01).abs() < 0.0005, "{}", learnt.lambda);
    for field in 0..4 {
        for level in 0..3 {
            assert!((learnt.m[field][level] - m[field][level]).abs() < 0.02, "m {field} {level}: {:?}", learnt.m);
            assert!((learnt.u[field][level] - u[field][level]).abs() < 0.005, "u {field} {level}: {:?}", learnt.u);
        }
    }
}

#[test]
fn without_matches_the_prior_stays() {
    let tests = defaults::levels(FieldKind::FamilyName);
    let different = with_level(0, 0, tests.len());
    let mut levels = vec![vec![0; 16]];
    levels[0][tests.len()] = 1_000;
    let learnt =
        estimate(&counted(&[different; 50], 1.0, levels, 1_000, 10_000.0), &[Some(0.0)], &[tests.len()], &[&tests]);
    assert!(learnt.matches < 5.0);
    assert!((learnt.m[0][0] - 0.85).abs() < 1e-9, "{learnt:?}");
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
