//! What one entity with very many visits, and one large group, cost.

use super::super::algorithm::{Outcome, Pair, Rules, Visit as Step, Walk};
use super::super::group::Group;
use super::super::samples::Bits;
use super::super::spec::Measure;

const VISITS: i64 = 200_000;

/// The bytes held for an entity that moves between two stages, and what comes of it.
fn walk(measure: Measure, spans: bool) -> (usize, Vec<(Outcome, i64)>) {
    let rules = Rules {
        pairs: vec![Pair { from: 0, to: 2 }, Pair { from: 1, to: 0 }],
        beyond: vec![Vec::new(), Vec::new()],
        measure,
        as_of: VISITS,
        spans,
    };
    let mut walk = Walk::new(rules);
    for at in 0..VISITS {
        walk.visit(Step { stage: (at % 2) as u8, entered: at, losing: false, late: false, row: 0 });
    }
    let held = walk.held_bytes();
    let mut found = Vec::new();
    walk.end_entity(|transition| found.push((transition.outcome, transition.length)));
    (held, found)
}

#[test]
fn a_long_history_costs_no_more_than_a_short_one() {
    for measure in [Measure::Elapsed, Measure::FirstVisit, Measure::LatestVisit, Measure::Cumulative] {
        let (held, _) = walk(measure, false);
        assert!(held < 2_048, "{measure:?}: {held} bytes");
    }
    let (_, found) = walk(Measure::Cumulative, false);
    // The other stage was there first: its way back is no conversion.
    assert_eq!(found, [(Outcome::Open, VISITS / 2), (Outcome::ReachedBefore, 1)]);
}

#[test]
fn spans_cost_sixteen_bytes_each() {
    let (held, found) = walk(Measure::Cumulative, true);
    assert_eq!(found[0], (Outcome::Open, VISITS / 2));
    assert!(held < 2 * 16 * VISITS as usize, "{held} bytes");
}

#[test]
fn a_transition_costs_eight_bytes_in_its_group() {
    let mut group = Group::default();
    for time in 0..VISITS {
        group.add(time, Bits(0), 0).unwrap();
    }
    let each = group.held_bytes() / VISITS as usize;
    assert!((8..=16).contains(&each), "{each} bytes");
    assert!(group.add(i64::MAX, Bits(0), 0).is_none());
}
