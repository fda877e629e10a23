//! Two runs at one target: who wins, who waits, and what a run finds that slept too long.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures::future::join_all;
use marquetry::error::ErrorKind;
use marquetry::store::publish::{Format, LEASE, Publication, Recovered, Silent, Steps, TargetRoot};
use tokio::runtime::Runtime;

use super::world::{self, Place, TABLES, assert_no_leftovers, checked, quiet_run, record, run, seen};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_runs_at_once_exactly_one_gets_the_target() {
    for place in [Place::disk(), Place::s3()] {
        let root = place.root(Format::Parquet);
        for round in 0..5 {
            let attempts = (0..8).map(|n| {
                let root = root.clone();
                tokio::spawn(async move { Publication::open(root, &format!("r{round}-{n}"), Arc::new(Silent)).await })
            });
            let opened: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
            let (won, lost): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
            assert_eq!(won.len(), 1, "round {round}");
            for error in lost.into_iter().filter_map(Result::err) {
                assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
            }
            for publication in won {
                publication.unwrap().close().await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_is_told_who_holds_the_target_and_goes_on_after_it() {
    for place in [Place::disk(), Place::s3()] {
        let root = place.root(Format::Delta);
        let first = Publication::open(root.clone(), "first", Arc::new(Silent)).await.unwrap();
        let error = run(&root, "second", None, Arc::new(Silent)).await.unwrap_err();
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Locked, 75));
        first.close().await.unwrap();
        quiet_run(&root, "second", None).await;
    }
}

/// A run whose heart beats once in ten minutes.
async fn asleep(root: &TargetRoot) -> Publication {
    let lease = Duration::from_secs(3_600);
    Publication::open_with_lease(root.clone(), "sleeper", Arc::new(Silent), lease).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_elsewhere_is_waited_for_until_the_stores_clock_says_its_lease_is_over() {
    let place = Place::s3();
    let root = place.root(Format::Parquet);
    let sleeper = asleep(&root).await;
    place.server().advance(LEASE - Duration::from_secs(5));
    assert_eq!(run(&root, "early", None, Arc::new(Silent)).await.unwrap_err().kind(), ErrorKind::Locked);
    place.server().advance(Duration::from_secs(10));
    let published = quiet_run(&root, "late", None).await;
    assert_eq!(published.release.number, 1);
    drop(sleeper);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_slept_through_its_lease_cannot_publish() {
    let place = Place::s3();
    let root = place.root(Format::Delta);
    quiet_run(&root, "first", None).await;
    let mut sleeper = asleep(&root).await;
    let stale = checked(&sleeper, 2).await.unwrap();
    place.server().advance(LEASE + Duration::from_secs(5));

    let mut taker = Publication::open(root.clone(), "taker", Arc::new(Silent)).await.unwrap();
    assert_eq!(taker.recovered(), [Recovered::Withdrawn { run: "sleeper".into() }]);
    let fresh = checked(&taker, 3).await.unwrap();
    taker.publish(fresh, record(), &Default::default()).await.unwrap();

    let error = sleeper.publish(stale, record(), &Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(sleeper.close().await.is_err());
    for table in TABLES {
        assert_eq!(seen(&root, table).await.unwrap(), Some(3));
    }
    taker.clean(1).await.unwrap();
    taker.close().await.unwrap();
    // What the sleeper wrote after it was withdrawn is found by the next run and the next cleaning.
    let next = Publication::open(root.clone(), "next", Arc::new(Silent)).await.unwrap();
    next.clean(1).await.unwrap();
    next.close().await.unwrap();
    assert_no_leftovers(&place, &root).await;
}

/// Stops its run at a step until told to go on.
struct Pause {
    at: &'static str,
    reached: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl Steps for Pause {
    fn reached(&self, step: &str) {
        if step == self.at {
            self.reached.lock().unwrap().send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_decided_run_that_slept_is_finished_by_the_next_and_takes_nothing_back() {
    for format in [Format::Delta, Format::Parquet] {
        for at in
            ["decided", "committing accounts", "committed accounts", "committing people", "recorded", "journal removed"]
        {
            let place = Place::s3();
            let root = place.root(format);
            let (reached, has_reached) = channel();
            let (go_on, may_go_on) = channel();
            let pause = Pause { at, reached: Mutex::new(reached), go_on: Mutex::new(may_go_on) };
            // A runtime and connections of its own: what it holds while it sleeps must not hold up the other.
            let sleeper = {
                let (url, endpoint) = (place.url(), place.endpoint());
                std::thread::spawn(move || {
                    let root = world::root(&url, &endpoint, format, |store| store);
                    Runtime::new().unwrap().block_on(run(&root, "sleeper", None, Arc::new(pause))).map(|_| ())
                })
            };
            tokio::task::spawn_blocking(move || has_reached.recv().unwrap()).await.unwrap();
            place.server().advance(LEASE + Duration::from_secs(5));

            let mut taker = Publication::open(root.clone(), "taker", Arc::new(Silent)).await.unwrap();
            assert_eq!(taker.recovered(), [Recovered::Finished { run: "sleeper".into(), release: 1 }], "{at}");
            assert_eq!(seen(&root, "people").await.unwrap(), Some(1));
            let fresh = checked(&taker, 2).await.unwrap();
            taker.publish(fresh, record(), &Default::default()).await.unwrap();

            go_on.send(()).unwrap();
            let woken = tokio::task::spawn_blocking(move || sleeper.join().unwrap()).await.unwrap();
            // Requests that were under way while it slept may have timed out.
            let error = woken.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Locked | ErrorKind::World), "{at}: {error}");
            for table in TABLES {
                assert_eq!(seen(&root, table).await.unwrap(), Some(2), "{format:?}, slept at `{at}`");
            }
            taker.clean(1).await.unwrap();
            taker.close().await.unwrap();
            assert_no_leftovers(&place, &root).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_control_folder_does_not_hide_new_releases_behind_old_ones() {
    let place = Place::disk();
    let root = place.root(Format::Delta);
    quiet_run(&root, "one", None).await;
    quiet_run(&root, "two", None).await;
    let control = root.url_of("_marquetry/").unwrap().to_file_path().unwrap();
    std::fs::remove_dir_all(control).unwrap();
    let three = quiet_run(&root, "three", Some(3)).await;
    assert_eq!(three.release.number, 3, "the tables remember two releases");
    assert_eq!(seen(&root, "people").await.unwrap(), Some(3));
}
