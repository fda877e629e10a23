//! The sample is the same for the same seed, coherent, and as dirty as its manifest says.

mod coherence;
mod counts;
mod read;

use std::collections::BTreeMap;
use std::path::Path;

use super::clock::{AS_OF, START, civil, day_of, iso, weekday};
use super::dice::Dice;
use super::generate::{Sizes, generate_sized};
use super::ids::{SfId, Uuid, capitals};
use super::{Manifest, SampleOptions, generate};
use crate::error::ErrorKind;

/// Small chunks and parts, so that a small sample has several.
const SMALL: Sizes = Sizes { chunk_people: 150, part_chunks: 2 };

fn sample(people: u64, seed: u64, out: &Path, threads: usize) -> Manifest {
    let options = SampleOptions { threads, ..SampleOptions::new(people, seed, out) };
    generate_sized(&options, SMALL).expect("a sample")
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside").display().to_string();
                found.insert(name, std::fs::read(path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let (one, three) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let manifest = sample(700, 5, one.path(), 1);
    assert_eq!(manifest, sample(700, 5, three.path(), 3));
    let (one, three) = (files(one.path()), files(three.path()));
    assert_eq!(one.keys().collect::<Vec<_>>(), three.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(three.get(name) == Some(bytes), "{name} differs");
    }
    assert!(one.contains_key("ga4/event/part-00002.parquet"), "three parts: {:?}", one.keys());
}

#[test]
fn another_seed_gives_other_rows() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (sample(60, 1, one.path(), 1), sample(60, 2, two.path(), 1));
    for (a, b) in a.tables.iter().zip(&b.tables) {
        assert_eq!((&a.system, &a.table), (&b.system, &b.table));
        assert_ne!(a.digest, b.digest, "{}.{}", a.system, a.table);
    }
}

#[test]
fn an_earlier_sample_is_replaced_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    sample(400, 1, folder.path(), 1);
    let manifest = sample(40, 2, folder.path(), 1);
    let parquet = files(folder.path()).keys().filter(|name| name.ends_with(".parquet")).count() as u64;
    assert_eq!(parquet, manifest.tables.iter().map(|table| table.files).sum::<u64>());

    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("thesis.txt"), "mine").unwrap();
    let refused = generate(&SampleOptions::new(10, 1, other.path())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Project);
    assert_eq!(files(other.path()).len(), 1);
}

#[test]
fn numbers_of_people_out_of_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for people in [0, 100_000_001] {
        let refused = generate(&SampleOptions::new(people, 1, folder.path())).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Project);
    }
    assert!(files(folder.path()).is_empty());
}

#[test]
fn one_person_is_a_sample_too() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = sample(1, 1, folder.path(), 2);
    assert_eq!(manifest.tables.len(), 19);
}

#[test]
fn the_calendar_is_right() {
    assert_eq!(iso(AS_OF), "2026-06-30T00:00:00Z");
    assert_eq!(iso(START), "2024-06-30T00:00:00Z");
    assert_eq!(iso(-1_000_000), "1969-12-31T23:59:59Z");
    assert_eq!(civil(19_782), (2024, 2, 29));
    // The 30th of June 2026 is a Tuesday.
    assert_eq!(weekday(day_of(AS_OF)), 2);
}

#[test]
fn identifiers_have_the_right_check_characters() {
    // Ids with their check characters as the CRM gives them out.
    for id in ["00Q1G00000nDnM5UAK", "0011G00000fV7vHQAS", "0051G0000060XhiQAE"] {
        let check: String = id.as_bytes()[..15].chunks(5).map(|group| char::from(capitals(group))).collect();
        assert_eq!(check, id[15..]);
    }
    let id = SfId::new(b"00Q", 62 * 62 + 61);
    assert_eq!(id.short(), "00QDn000000010z");
    // Groups `00QDn`, `00000`, `0010z`: capitals at places 2 and 3 of the first, 4 + 8 = 12.
    assert_eq!(id.as_str(), "00QDn000000010zMAA");
    assert_eq!(Uuid::new(0, u64::MAX).as_str(), "00000000-0000-4000-bfff-ffffffffffff");
}

#[test]
fn chance_has_the_shape_it_should() {
    let mut dice = Dice::new(1, 1);
    let mut normal: Vec<f64> = (0..20_000).map(|_| dice.normal()).collect();
    let mean = normal.iter().sum::<f64>() / 20_000.0;
    let variance = normal.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
    assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    normal.clear();
    let mut scaled: Vec<f64> = (0..20_000).map(|_| dice.scaled(7.0, 1.2)).collect();
    scaled.sort_by(f64::total_cmp);
    assert!((scaled[10_000] - 7.0).abs() < 0.3, "median {}", scaled[10_000]);
    let heads = (0..20_000).filter(|_| dice.weighted(&[(true, 3), (false, 1)])).count();
    assert!((14_700..15_300).contains(&heads), "{heads}");
    assert_eq!(dice.below(0), 0);
}

#[test]
fn the_sample_in_the_repository_is_up_to_date() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let fresh = tempfile::tempdir().unwrap();
    generate(&SampleOptions::new(2_000, 1, fresh.path())).unwrap();
    let (kept, fresh) = (files(&kept), files(fresh.path()));
    assert_eq!(kept.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>());
    for (name, bytes) in &fresh {
        assert!(kept.get(name) == Some(bytes), "sample_data/{name} is out of date: generate it again");
    }
    let bytes: usize = kept.values().map(Vec::len).sum();
    assert!(bytes <= 4_000_000, "{bytes} bytes");
}
