//! Ids by hand: the worked examples of the design note, and tables that cannot be.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::super::ids::naive::State;
use super::super::ids::{CrosswalkRow, End, Published, Redirect, assign, namespace};
use super::world::{Keyed, NAMESPACE, Rows, World};

/// The id that a record gives, in its first generation.
fn id(key: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, key.as_bytes())
}

fn later(key: &str, generation: u32) -> Uuid {
    Uuid::new_v5(&NAMESPACE, &[key.as_bytes(), &[0xff], &generation.to_be_bytes()].concat())
}

/// A run after another, at the instants 0, 10, 20 …; what the last one published.
fn runs(worlds: &[&str]) -> State {
    let mut state = State::default();
    for (run, world) in worlds.iter().enumerate() {
        state = World::of(world).publish(&state, 10 * run as i64, &mut ChaCha8Rng::seed_from_u64(0));
    }
    state
}

/// The ids of records, in the order of their keys.
fn ids(state: &State) -> Vec<Uuid> {
    state.crosswalk.values().map(|row| row.id).collect()
}

fn redirect(state: &State, id: Uuid) -> (Option<Uuid>, &str, End) {
    let redirect = &state.redirects[&id];
    (redirect.target, redirect.anchor.as_str(), redirect.end)
}

#[test]
fn the_eldest_record_gives_the_id() {
    assert_eq!(ids(&runs(&["a b | c"])), [id("a"), id("a"), id("c")]);
    assert_eq!(ids(&runs(&["a@9 b@3 c"])), [id("b"), id("b"), id("b")]);
    assert_eq!(ids(&runs(&["a b@3"])), [id("b"), id("b")]);
}

#[test]
fn an_elder_record_that_comes_later_changes_nothing() {
    let state = runs(&["b@5 c@6", "a@1 b@5 c@6"]);
    assert_eq!(ids(&state), [id("b"); 3]);
    let since: Vec<i64> = state.crosswalk.values().map(|row| row.since).collect();
    assert_eq!(since, [10, 0, 0]);
}

#[test]
fn of_two_that_merge_the_oldest_lives() {
    let state = runs(&["b", "b | a", "a b"]);
    assert_eq!(ids(&state), [id("b"), id("b")]);
    assert_eq!(redirect(&state, id("a")), (Some(id("b")), "a", End::Merged));
    // As old as each other: that of the elder anchor.
    assert_eq!(ids(&runs(&["a@7 | b@2", "a@7 b@2"])), [id("b"), id("b")]);
    assert_eq!(ids(&runs(&["a | b", "a b"])), [id("a"), id("a")]);
}

#[test]
fn a_split_leaves_the_id_with_the_anchor() {
    let state = runs(&["a b c d", "a | b c d"]);
    assert_eq!(ids(&state), [id("a"), id("b"), id("b"), id("b")]);
    assert!(state.redirects.is_empty());
}

#[test]
fn a_merge_undone_gives_the_merged_a_new_id_to_which_its_old_one_leads() {
    let merged_and_split = ["a | b", "a b", "a | b"];
    let state = runs(&merged_and_split);
    assert_eq!(ids(&state), [id("a"), later("b", 1)]);
    assert_eq!(redirect(&state, id("b")), (Some(later("b", 1)), "b", End::Merged));
    // And again: the second id is spent as well.
    let state = runs(&[&merged_and_split[..], &["a b", "a | b"]].concat());
    assert_eq!(ids(&state), [id("a"), later("b", 2)]);
    assert_eq!(redirect(&state, id("b")), (Some(later("b", 2)), "b", End::Merged));
    assert_eq!(redirect(&state, later("b", 1)), (Some(later("b", 2)), "b", End::Merged));
}

#[test]
fn redirects_of_redirects_lead_to_the_end() {
    let state = runs(&["a", "a | b", "a | b | c", "a | b c", "a b c"]);
    assert_eq!(redirect(&state, id("c")).0, Some(id("a")));
    assert_eq!(redirect(&state, id("b")).0, Some(id("a")));
}

#[test]
fn an_anchor_that_is_gone_leaves_its_role_to_the_largest_part() {
    let state = runs(&["a b c d", "b | c d"]);
    assert_eq!(ids(&state), [id("b"), id("a"), id("a")]);
    assert!(state.crosswalk["c"].anchor);
    // Of equal parts, that with the smallest key.
    assert_eq!(ids(&runs(&["a b c", "b | c"])), [id("a"), id("c")]);
    // The record comes back: it has no part in the id any more.
    let state = runs(&["a b", "b", "a | b"]);
    assert_eq!(ids(&state), [later("a", 1), id("a")]);
    assert_eq!(ids(&runs(&["a b", "b", "a b"])), [id("a"), id("a")]);
}

#[test]
fn an_id_retires_with_its_last_record_and_comes_back_with_it() {
    let state = runs(&["a b | c", "c"]);
    assert_eq!(redirect(&state, id("a")), (None, "a", End::Retired));
    let state = runs(&["a b | c", "c", "a b | c"]);
    assert_eq!(ids(&state), [id("a"), id("a"), id("c")]);
    assert!(state.redirects.is_empty());
    assert_eq!((state.crosswalk["a"].since, state.crosswalk["a"].id_since), (20, 0));
    // Another of its records alone does not bring it back.
    let state = runs(&["a b | c", "c", "b | c"]);
    assert_eq!(ids(&state), [id("b"), id("c")]);
    assert_eq!(redirect(&state, id("a")), (None, "a", End::Retired));
}

#[test]
fn a_record_that_comes_back_takes_no_clusters_id_away() {
    let state = runs(&["a", "", "c", "a c"]);
    assert_eq!(ids(&state), [id("c"), id("c")]);
    assert_eq!(redirect(&state, id("a")), (Some(id("c")), "a", End::Merged));
}

#[test]
fn of_retired_ids_that_come_back_together_the_oldest_lives() {
    let state = runs(&["b", "a | b", "", "a b"]);
    assert_eq!(ids(&state), [id("b"), id("b")]);
    assert_eq!(redirect(&state, id("a")), (Some(id("b")), "a", End::Merged));
}

#[test]
fn an_id_that_leads_to_a_retired_one_shares_its_fate() {
    let gone = ["a | b", "a b", "a", ""];
    let state = runs(&gone);
    assert_eq!(redirect(&state, id("a")), (None, "a", End::Retired));
    assert_eq!(redirect(&state, id("b")), (None, "a", End::Merged));
    let state = runs(&[&gone[..], &["a"]].concat());
    assert_eq!(ids(&state), [id("a")]);
    assert_eq!(redirect(&state, id("b")), (Some(id("a")), "a", End::Merged));
    // It never comes back itself, though its first record does.
    let state = runs(&[&gone[..], &["b"]].concat());
    assert_eq!(ids(&state), [later("b", 1)]);
}

#[test]
fn a_redirect_whose_target_splits_follows_its_anchor() {
    let state = runs(&["a x | b y", "a b x y", "a x | b y"]);
    assert_eq!(ids(&state), [id("a"), later("b", 1), id("a"), later("b", 1)]);
    assert_eq!(redirect(&state, id("b")), (Some(later("b", 1)), "b", End::Merged));
}

#[test]
fn clusters_that_swap_records_keep_their_ids_by_their_anchors() {
    assert_eq!(ids(&runs(&["a b | c d", "a d | b c"])), [id("a"), id("c"), id("c"), id("a")]);
    // Both anchors in one, nobody's in the other.
    let state = runs(&["a b | c d", "a c | b d"]);
    assert_eq!(ids(&state), [id("a"), id("b"), id("a"), id("b")]);
    assert_eq!(redirect(&state, id("c")), (Some(id("a")), "c", End::Merged));
}

#[test]
fn models_have_ids_of_their_own() {
    assert_ne!(namespace("people"), namespace("accounts"));
    assert_eq!(namespace("people"), namespace("people"));
    assert_eq!(id("a").get_version_num(), 5);
}

#[test]
fn ends_are_read_back() {
    assert_eq!(["merged", "retired"].map(End::of), [Some(End::Merged), Some(End::Retired)]);
    assert_eq!(End::of("Merged"), None);
}

#[test]
fn tables_that_no_run_published_are_refused() {
    let records = Keyed(vec![("a".into(), None)]);
    let row = |record| (record, CrosswalkRow { id: id(record), anchor: true, since: 1, id_since: 1 });
    let redirect = |from: &str, target: Option<&str>, end| Redirect {
        id: id(from),
        target: target.map(id),
        anchor: "a".into(),
        end,
        id_since: 1,
        since: 1,
    };
    let refused = |rows: Vec<(&str, CrosswalkRow)>, redirects: &[Redirect]| {
        let published = Published { crosswalk: &Rows(rows), redirects };
        assign(&records, &[0], published, &NAMESPACE, 5).unwrap_err().message().to_string()
    };
    let merged = |from, target| redirect(from, Some(target), End::Merged);
    assert!(refused(vec![row("a"), row("b"), row("a")], &[]).contains("has the record `a` twice"));
    let gone = vec![row("c"), row("b"), row("c"), row("b")];
    assert!(refused(gone, &[]).contains("has the record `b` twice"));
    for anchor in [false, true] {
        let row = |record| (record, CrosswalkRow { id: id("x"), anchor, since: 1, id_since: 1 });
        assert!(refused(vec![row("a"), row("b")], &[]).contains("does not have one anchor for the id"), "{anchor}");
    }
    assert!(refused(vec![row("a")], &[merged("x", "a"), merged("x", "a")]).contains("twice"));
    assert!(refused(vec![row("a")], &[merged("a", "a")]).contains("which is that of a record"));
    assert!(refused(vec![row("a")], &[merged("x", "y")]).contains("which no record has"));
    assert!(refused(vec![row("a")], &[redirect("x", Some("a"), End::Retired)]).contains("retired"));
}

#[test]
fn records_and_roots_must_be_in_order() {
    let nothing = Published { crosswalk: &Rows(vec![]), redirects: &[] };
    let refused = |keys: &[&str], root: &[u32]| {
        let records = Keyed(keys.iter().map(|key| (key.to_string(), None)).collect());
        assign(&records, root, nothing, &NAMESPACE, 0).is_err()
    };
    assert!(!refused(&["a", "b"], &[0, 0]));
    assert!(refused(&["b", "a"], &[0, 1]));
    assert!(refused(&["a", "a"], &[0, 1]));
    assert!(refused(&["a", "b"], &[0]));
    assert!(refused(&["a", "b"], &[1, 1]));
    assert!(refused(&["a", "b", "c"], &[0, 0, 1]));
    assert!(refused(&["a"], &[7]));
}
