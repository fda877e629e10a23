//! The program against an S3 server inside this process.

use std::collections::HashMap;
use std::sync::Mutex;

use marquetry::store::{Env, Location, write_files};

use crate::support::cli::{Project, files, repository};
use crate::support::s3::{BUCKET, Fault, Server};

fn project(server: &Server) -> Project {
    let sample = Project::sample().with("MARQUETRY_STORE_RETRIES", "4").with("MARQUETRY_STORE_RETRY_SECONDS", "8");
    server.environment().into_iter().fold(sample, |project, (name, value)| project.with(name, value))
}

fn location() -> String {
    format!("s3://{BUCKET}/gold")
}

#[test]
fn tables_go_out_to_s3_as_they_do_to_disk() {
    let server = Server::start();
    let project = project(&server);
    let expected = project.publish(&[]).exits(0).digests();
    for target in ["local", "parquet"] {
        let place = format!("{}/{target}", location());
        let args = ["run", "--output", "json", "--target", target, "--location", &place];
        assert_eq!(project.run(&args).exits(0).digests(), expected, "{target}");
        let again = project.run(&args).exits(0);
        assert_eq!(again.json()["status"], "unchanged", "{target}");
    }
    assert!(!server.keys("gold/local/_dictionary/index.html").is_empty());
}

#[test]
fn a_store_that_throttles_is_asked_again_and_one_that_fails_exits_with_three() {
    let server = Server::start();
    let project = project(&server);
    // Every seventh thing that is asked for is refused twice; nothing as often as the program asks again.
    let asked = Mutex::new(HashMap::new());
    server.set_faults(move |seen| {
        let mut asked = asked.lock().unwrap();
        let place = asked.len();
        let (place, times) = asked.entry((seen.method.clone(), seen.key.clone())).or_insert((place, 0));
        *times += 1;
        (*place % 7 == 0 && *times <= 2).then_some(Fault::Status(503))
    });
    project.run(&["run", "--location", &location()]).exits(0);
    assert!(server.clear_faults() > 3);
    let before = server.keys("gold/");
    server.set_faults(|seen| (seen.method != "GET" && seen.method != "HEAD").then_some(Fault::Status(500)));
    project.run(&["run", "--location", &location()]).exits(3);
    server.clear_faults();
    assert_eq!(server.keys("gold/_marquetry/releases/").len(), 1);
    project.run(&["run", "--location", &location()]).exits(0);
    assert!(server.keys("gold/").len() >= before.len());
}

#[test]
fn extracts_are_read_from_s3() {
    let server = Server::start();
    let disk = project(&server);
    let expected = disk.publish(&[]).exits(0).digests();
    let folder = repository().join("sample_data");
    let extracts = files(&folder).into_iter().map(|file| (file.clone(), std::fs::read(folder.join(file)).unwrap()));
    let raw = Location::open(&format!("s3://{BUCKET}/raw"), &folder, &Env::new(server.environment())).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(write_files(&raw, extracts)).unwrap();
    let project = project(&server).with("MARQUETRY_SAMPLE", format!("s3://{BUCKET}/raw"));
    assert_eq!(project.publish(&[]).exits(0).digests(), expected);
}
