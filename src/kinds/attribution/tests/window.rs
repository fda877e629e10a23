//! The window by itself, beside looking at every row anew.

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::super::weights::Touch;
use super::super::window::{Reach, Told, Window};

/// Instant, touch and session of a row.
type Row = (i64, u128, u128);

/// The rows that stand for touches, each with how many others of its session.
fn obvious(rows: &[Row], at: i64, reach: &Reach) -> Vec<(u32, u32)> {
    let since = at - reach.micros.unwrap();
    let mut once: Vec<usize> = Vec::new();
    for row in (0..rows.len()).filter(|row| rows[*row].0 >= since) {
        if once.iter().all(|known| rows[*known].1 != rows[row].1) {
            once.push(row);
        }
    }
    let mut firsts: Vec<(usize, u32)> = Vec::new();
    for (nth, row) in once.iter().enumerate() {
        let before = once[..nth].iter().rev().find(|before| rows[**before].2 == rows[*row].2);
        match before.filter(|before| reach.session_micros.is_some_and(|gap| rows[*row].0 - rows[**before].0 < gap)) {
            Some(_) => firsts.iter_mut().rev().find(|first| rows[first.0].2 == rows[*row].2).unwrap().1 += 1,
            None => firsts.push((*row, 0)),
        }
    }
    let skip = firsts.len().saturating_sub(reach.touches.unwrap_or(usize::MAX));
    firsts[skip..].iter().map(|(row, merged)| (*row as u32, *merged)).collect()
}

/// Many rows, few touches, and windows of some dozens of rows, so that all that is forgotten early is.
#[test]
fn the_window_and_the_obvious_way_agree() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let reach = Reach {
            micros: Some(*[20, 100, 900].choose(&mut rng).unwrap()),
            touches: *[None, Some(1), Some(3), Some(40)].choose(&mut rng).unwrap(),
            ends_only: false,
            session_micros: rng.random_bool(0.4).then(|| rng.random_range(1..12)),
        };
        let ids = *[3, 60, 100_000].choose(&mut rng).unwrap();
        let (mut window, mut rows, mut at) = (Window::new(reach), Vec::<Row>::new(), 0);
        for row in 0..400u32 {
            at += rng.random_range(0..5);
            let mark = (rng.random_range(0..ids), rng.random_range(0..4));
            rows.push((at, mark.0, mark.1));
            let touch = Touch { at, direct: false, merged: 0, channel: 0 };
            window.push(touch, row, Told { mark: Some(mark), session: None }).unwrap();
            if rng.random_bool(0.2) {
                // Conversions may come some time after the last touch, and the next touch no sooner.
                at += rng.random_range(0..30);
                window.look_back(at);
                let (touches, places) = window.journey();
                let found: Vec<(u32, u32)> =
                    touches.iter().zip(places).map(|(touch, place)| (place.row, touch.merged)).collect();
                assert_eq!(found, obvious(&rows, at, &reach), "seed {seed}, row {row}, {reach:?}, {ids} ids");
                let places = places.iter().map(|place| place.ordinal);
                assert!(places.clone().zip(places.skip(1)).all(|(one, next)| next == one + 1), "seed {seed}");
            }
        }
    }
}
