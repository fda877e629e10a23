//! The program against Google Cloud Storage and Azure: extracts read from there, tables published
//! there, and the protocol of publication kept by the conditional writes that each of them has.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;

use futures::TryStreamExt;
use marquetry::store::{Env, Location, write_files};

use crate::support::azurite::{self, Azurite};
use crate::support::cli::{Project, files, repository};
use crate::support::gcs;
use crate::support::process::{kill, wait_for_staged};

/// A few models of each kind, so that the tests take no longer than they must.
const MODELS: &str = "+touches opportunity_stages opportunities";

/// A store with nothing in it, as the program reaches it.
struct Cloud {
    bucket: String,
    environment: Vec<(&'static str, String)>,
}

impl Cloud {
    fn project(&self) -> Project {
        let vars = self.environment.iter();
        vars.fold(Project::sample(), |project, (name, value)| project.with(name, value.clone()))
    }

    fn open(&self, below: &str) -> Location {
        let env = Env::new(self.environment.clone());
        Location::open(&format!("{}/{below}", self.bucket), Path::new("/"), &env).unwrap()
    }

    fn keys(&self, below: &str) -> Vec<String> {
        let location = self.open(below);
        let found = tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(async { location.store().list(Some(location.prefix())).try_collect::<Vec<_>>().await.unwrap() });
        found.into_iter().map(|meta| meta.location.to_string()).collect()
    }
}

fn reads_and_publishes(cloud: &Cloud) {
    let expected = cloud.project().publish(&["--select", MODELS]).exits(0).digests();
    assert!(expected.len() > 5, "{expected:?}");
    let folder = repository().join("sample_data");
    let extracts = files(&folder).into_iter().map(|file| (file.clone(), std::fs::read(folder.join(file)).unwrap()));
    let raw = cloud.open("raw");
    tokio::runtime::Runtime::new().unwrap().block_on(write_files(&raw, extracts)).unwrap();
    let project = cloud.project().with("MARQUETRY_SAMPLE", format!("{}/raw", cloud.bucket));
    for target in ["local", "parquet"] {
        let place = format!("{}/gold/{target}", cloud.bucket);
        let args = ["run", "--output", "json", "--select", MODELS, "--target", target, "--location", &place];
        assert_eq!(project.run(&args).exits(0).digests(), expected, "{target}");
        let again = project.run(&args).exits(0);
        assert_eq!(again.json()["status"], "unchanged", "{target}");
        assert_eq!(again.digests(), expected, "{target}");
    }
    assert!(!cloud.keys("gold/local/touches/_delta_log").is_empty());
    assert!(cloud.keys("gold/parquet/touches").iter().any(|key| key.ends_with("/manifest.json")));
}

fn of_runs_at_once_one_wins(cloud: &Cloud) {
    let project = cloud.project();
    let place = format!("{}/contended", cloud.bucket);
    let mut children: Vec<Child> =
        (0..3).map(|_| project.start_with(&["--select", MODELS, "--location", &place])).collect();
    let codes: Vec<Option<i32>> = children
        .iter_mut()
        .map(|child| {
            drop(child.stdout.take());
            drop(child.stderr.take());
            child.wait().unwrap().code()
        })
        .collect();
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(75)), "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 75))), "{codes:?}");
}

fn a_killed_run_is_mended(cloud: &Cloud) {
    let project = cloud.project();
    let place = format!("{}/mended", cloud.bucket);
    let args = ["--select", MODELS, "--location", &place];
    for staged in [1, 4] {
        let mut child = project.start_with(&args);
        wait_for_staged(&mut child, staged);
        kill(&mut child);
    }
    assert!(cloud.keys("mended").iter().any(|key| key.ends_with(".parquet")), "killed too late or too soon");
    let done = project.run(&[&["run", "--output", "json"], &args[..]].concat()).exits(0);
    assert_eq!((done.json()["status"].as_str(), done.json()["release"].as_u64()), (Some("published"), Some(1)));
    project.run(&["clean", "--keep", "1", "--location", &place]).exits(0);
    let left = cloud.keys("mended");
    let runs: BTreeSet<&str> =
        left.iter().filter_map(|key| key.split('/').find(|part| part.starts_with("run-"))).collect();
    assert_eq!(runs.len(), 1, "files of dead runs: {left:?}");
}

fn gcs(test: impl Fn(&Cloud)) {
    let server = gcs::Server::start();
    test(&Cloud { bucket: format!("gs://{}", gcs::BUCKET), environment: server.environment() });
}

fn azure(test: impl Fn(&Cloud)) {
    let Some(azurite) = Azurite::start() else { return };
    test(&Cloud { bucket: format!("az://{}", azurite::CONTAINER), environment: azurite.environment() });
}

#[test]
fn gcs_is_read_and_published_to() {
    gcs(reads_and_publishes);
}

#[test]
fn gcs_lets_one_of_several_runs_win() {
    gcs(of_runs_at_once_one_wins);
}

#[test]
fn gcs_forgets_a_killed_run() {
    gcs(a_killed_run_is_mended);
}

#[test]
fn azure_is_read_and_published_to() {
    azure(reads_and_publishes);
}

#[test]
fn azure_lets_one_of_several_runs_win() {
    azure(of_runs_at_once_one_wins);
}

#[test]
fn azure_forgets_a_killed_run() {
    azure(a_killed_run_is_mended);
}
