//! Random histories: records come, change, go and come back, rules change, clusters merge, split and
//! swap records. After every step the rules of ids are checked, and the naive twin must agree.

use std::collections::{BTreeMap, BTreeSet};

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::super::ids::End;
use super::super::ids::naive::{self, Cluster, State};
use super::world::{NAMESPACE, World};

const HISTORIES: u64 = 400;
const STEPS: i64 = 32;

/// What is remembered of the past, to hold the present to it.
#[derive(Clone, Default)]
struct Past {
    ever: BTreeSet<Uuid>,
    /// Ids that lead to another; they must never live again.
    merged: BTreeSet<Uuid>,
    /// The records each id had when it was last alive.
    members: BTreeMap<Uuid, Cluster>,
}

macro_rules! hold {
    ($holds:expr, $($message:tt)*) => {
        if !$holds { return Err(format!($($message)*)); }
    };
}

fn members(state: &State) -> BTreeMap<Uuid, Cluster> {
    let mut members: BTreeMap<Uuid, Cluster> = BTreeMap::new();
    for (key, row) in &state.crosswalk {
        members.entry(row.id).or_default().insert(key.clone());
    }
    members
}

/// Every cluster has one id of its own, and every id one anchor and one age.
fn ids_and_clusters_match(world: &World, state: &State) -> Result<(), String> {
    let mut found: Vec<Cluster> = members(state).into_values().collect();
    found.sort();
    hold!(found == world.clusters(), "clusters and ids differ: {found:?}");
    for (id, cluster) in members(state) {
        let rows: Vec<_> = cluster.iter().map(|key| state.crosswalk[key]).collect();
        hold!(rows.iter().filter(|row| row.anchor).count() == 1, "{id} has not one anchor");
        hold!(rows.iter().all(|row| row.id_since == rows[0].id_since && row.id_since <= row.since), "ages of {id}");
    }
    Ok(())
}

/// Every id ever published lives, leads to a living one, or is retired because no record is left.
fn every_id_resolves(past: &Past, state: &State) -> Result<(), String> {
    let alive = members(state);
    for id in &past.ever {
        let redirect = state.redirects.get(id);
        hold!(alive.contains_key(id) != redirect.is_some(), "{id} resolves to nothing or twice");
        let Some(redirect) = redirect else { continue };
        let holder = state.crosswalk.get(&redirect.anchor).map(|row| row.id);
        hold!(redirect.target == holder, "{id} does not lead to where its anchor is: {redirect:?}");
        hold!(redirect.end == End::Merged || holder.is_none(), "{id} is retired, but its anchor is there");
    }
    let published = alive.len() + state.redirects.len();
    hold!(published == past.ever.len(), "{published} ids are published, {} ever were", past.ever.len());
    Ok(())
}

/// No id goes on for other records, none that leads to another lives again.
fn none_is_reused(past: &Past, last: &State, state: &State) -> Result<(), String> {
    for (id, now) in members(state) {
        hold!(!past.merged.contains(&id), "{id} lives again although it led to another");
        let Some(before) = past.members.get(&id) else { continue };
        hold!(!now.is_disjoint(before), "{id} was of {before:?} and is now of {now:?}");
        if let Some(redirect) = last.redirects.get(&id) {
            hold!(redirect.end == End::Retired && now.contains(&redirect.anchor), "{id} came back for other records");
        }
    }
    Ok(())
}

/// A cluster into which nothing came but records that no cluster had, and out of which nothing went
/// but records that are gone, keeps its id.
fn the_unaffected_keep_theirs(world: &World, last: &State, state: &State) -> Result<(), String> {
    for (id, before) in members(last) {
        let left: Cluster = before.iter().filter(|key| world.created.contains_key(*key)).cloned().collect();
        let Some(first) = left.first() else { continue };
        let now = &members(state)[&state.crosswalk[first].id];
        let others = now.difference(&left).any(|key| last.crosswalk.contains_key(key));
        if left.is_subset(now) && !others {
            hold!(state.crosswalk[first].id == id, "{id} of {before:?} is unaffected and lost its id");
        }
    }
    Ok(())
}

/// The part with the anchor keeps the id, unless an older one is in the same cluster.
fn anchors_hold(last: &State, state: &State) -> Result<(), String> {
    for (key, row) in last.crosswalk.iter().filter(|(_, row)| row.anchor) {
        let Some(now) = state.crosswalk.get(key) else { continue };
        if now.id == row.id {
            continue;
        }
        hold!(now.id_since <= row.id_since, "{key} went from {} to the younger {}", row.id, now.id);
        hold!(last.crosswalk.values().any(|other| other.id == now.id), "{key} went from {} to a new id", row.id);
    }
    for (key, row) in &state.crosswalk {
        let kept = last.crosswalk.get(key).filter(|before| before.id == row.id);
        hold!(kept.is_none_or(|before| before.since == row.since), "{key} lost its time");
    }
    Ok(())
}

/// What the next run finds: the state it goes on from, and what a rollback went behind, the newest first.
#[derive(Clone, Debug, Default)]
struct Found {
    last: State,
    behind: Vec<State>,
}

fn check(world: &World, past: &Past, found: &Found, now: i64, rng: &mut ChaCha8Rng) -> Result<State, String> {
    let Found { last, behind } = found;
    let state = world.publish_after(last, behind, now, rng);
    let mut ever = Past { ever: past.ever.clone(), ..Past::default() };
    ever.ever.extend(members(&state).into_keys());
    ids_and_clusters_match(world, &state)?;
    every_id_resolves(&ever, &state)?;
    none_is_reused(past, last, &state)?;
    the_unaffected_keep_theirs(world, last, &state)?;
    anchors_hold(last, &state)?;
    let known = naive::known_after_rollback(last, behind, &world.created, now);
    let expected = naive::assign(&world.clusters(), &world.created, &known, &NAMESPACE, now);
    hold!(state == expected, "the naive way differs: {expected:#?}");
    hold!(world.publish_after(last, behind, now, rng) == state, "another order of rows gives other ids");
    hold!(world.publish(&state, now + 1, rng) == state, "a second run over the same data changes something");
    Ok(state)
}

fn remember(past: &mut Past, state: &State) {
    past.members.extend(members(state));
    past.ever.extend(members(state).into_keys());
    let merged = state.redirects.values().filter(|redirect| redirect.end == End::Merged);
    past.merged.extend(merged.map(|redirect| redirect.id));
}

/// The past after a rollback: of ids that were known then, what was known then; of the others, what is known now.
fn roll_back(then: &Past, now: &Past) -> Past {
    let mut past = then.clone();
    let later = |id: &Uuid| !then.ever.contains(id);
    past.merged.extend(now.merged.iter().copied().filter(later));
    past.members.extend(now.members.iter().filter(|(id, _)| later(id)).map(|(id, members)| (*id, members.clone())));
    past.ever.extend(&now.ever);
    past
}

/// One thing happens, and says what it was.
fn happen(world: &mut World, universe: &[String], rng: &mut ChaCha8Rng) -> String {
    let any = |rng: &mut ChaCha8Rng| universe[rng.random_range(0..universe.len())].clone();
    let (one, other) = (any(rng), any(rng));
    let pair = (one.clone().min(other.clone()), one.clone().max(other.clone()));
    let rule = usize::from(rng.random_bool(0.3));
    match rng.random_range(0..20) {
        0..5 => {
            let created = [None, Some(rng.random_range(0..4))][usize::from(rng.random_bool(0.7))];
            world.created.insert(one.clone(), created);
            format!("{one} comes, created {created:?}")
        }
        5..8 => {
            world.created.remove(&one);
            format!("{one} goes")
        }
        8..13 => {
            world.links[rule].insert(pair.clone());
            format!("rule {rule} links {pair:?}")
        }
        13..16 => {
            world.links[rule].remove(&pair);
            format!("rule {rule} no longer links {pair:?}")
        }
        16 => {
            world.links.iter_mut().for_each(|links| links.retain(|(a, b)| *a != one && *b != one));
            format!("{one} is linked with nothing")
        }
        17 => {
            world.rules[rule] = !world.rules[rule];
            format!("rule {rule} is declared: {}", world.rules[rule])
        }
        18 => {
            // As when two records get each other's e-mail.
            for links in &mut world.links {
                let swap = |key: &String| {
                    if *key == one {
                        &other
                    } else if *key == other {
                        &one
                    } else {
                        key
                    }
                    .clone()
                };
                *links = links.iter().map(|(a, b)| (swap(a), swap(b))).collect();
            }
            format!("{one} and {other} swap places")
        }
        _ => {
            let system = one.split(':').next().unwrap().to_string();
            world.created.retain(|key, _| !key.starts_with(&system));
            format!("all of {system} goes")
        }
    }
}

#[test]
fn ids_keep_their_promises_through_any_history() {
    let (mut merged, mut retired, mut returned, mut spent, mut withdrawn) = (0, 0, 0, 0, 0);
    for seed in 0..HISTORIES {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let size = rng.random_range(2..10);
        let universe: Vec<String> = (0..size).map(|at| format!("{}:{}", ["a", "b", "c"][at % 3], at / 3)).collect();
        let mut world = World { rules: [true, true], ..World::default() };
        let mut rollbacks = ChaCha8Rng::seed_from_u64(HISTORIES + seed);
        let (mut found, mut past) = (Found::default(), Past::default());
        let mut releases: Vec<(State, Past)> = Vec::new();
        for step in 0..STEPS {
            if !releases.is_empty() && rollbacks.random_bool(0.1) {
                let to = rollbacks.random_range(0..releases.len());
                let (last, then) = releases[to].clone();
                past = roll_back(&then, &past);
                found =
                    Found { last, behind: releases[to + 1..].iter().rev().map(|(state, _)| state.clone()).collect() };
            }
            let things = rng.random_range(1..5);
            let happened: Vec<String> = (0..things).map(|_| happen(&mut world, &universe, &mut rng)).collect();
            let now = if rng.random_bool(0.8) { 10 * step } else { 10 * (step - 1).max(0) };
            let state = check(&world, &past, &found, now, &mut rng).unwrap_or_else(|broken| {
                panic!(
                    "history {seed}, step {step}: {broken}\nhappened: {happened:#?}\nbefore: {found:#?}\nnow: {world:#?}"
                )
            });
            remember(&mut past, &state);
            let (last, lived) = (&found.last, members(&found.last));
            let behind: BTreeSet<Uuid> = found.behind.iter().flat_map(|state| members(state).into_keys()).collect();
            withdrawn += behind.iter().filter(|id| !lived.contains_key(id) && !last.redirects.contains_key(id)).count();
            merged += state.redirects.values().filter(|redirect| redirect.since == now).count();
            retired += state.redirects.values().filter(|redirect| redirect.end == End::Retired).count();
            returned += members(&state).keys().filter(|id| last.redirects.contains_key(*id)).count();
            releases.push((state.clone(), past.clone()));
            found = Found { last: state, behind: Vec::new() };
        }
        spent += past.ever.len().saturating_sub(universe.len());
    }
    let happened = (merged, retired, returned, spent);
    assert!(merged > 4_000 && retired > 4_000 && returned > 500 && spent > 300, "{happened:?}");
    assert!(withdrawn > 1_000, "{withdrawn}");
}

#[test]
fn a_rebuild_from_nothing_gives_the_same_ids_for_the_same_data() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let universe: Vec<String> = (0..8).map(|at| format!("{}:{at}", ["a", "b"][at % 2])).collect();
        let mut world = World { rules: [true, true], ..World::default() };
        (0..40).for_each(|_| drop(happen(&mut world, &universe, &mut rng)));
        let ids = |state: &State| state.crosswalk.iter().map(|(key, row)| (key.clone(), row.id)).collect::<Vec<_>>();
        let first = world.publish(&State::default(), 5, &mut rng);
        let again = world.publish(&State::default(), 99, &mut rng);
        assert_eq!(ids(&first), ids(&again), "seed {seed}");
        assert_eq!(first.redirects.len(), 0, "seed {seed}");
        for (key, row) in first.crosswalk.iter().filter(|(_, row)| row.anchor) {
            assert_eq!(row.id, Uuid::new_v5(&NAMESPACE, key.as_bytes()), "seed {seed}");
        }
    }
}

#[test]
fn growth_gives_the_ids_of_a_rebuild() {
    // Records come in the order of their age and links only grow: then history leaves no trace.
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut world, mut state) = (World { rules: [true, true], ..World::default() }, State::default());
        for step in 0..12_i64 {
            let key = format!("{}:{step}", ["a", "b", "c"][rng.random_range(0..3)]);
            for other in world.created.keys() {
                if rng.random_bool(0.15) {
                    world.links[0].insert((other.clone().min(key.clone()), other.clone().max(key.clone())));
                }
            }
            world.created.insert(key, Some(step));
            state = world.publish(&state, 100 + step, &mut rng);
        }
        let rebuilt = world.publish(&State::default(), 0, &mut rng);
        for (key, row) in &state.crosswalk {
            assert_eq!(row.id, rebuilt.crosswalk[key].id, "seed {seed}: {key}");
        }
    }
}
