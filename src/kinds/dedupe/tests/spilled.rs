//! Records that do not fit into the run's memory.

use std::num::NonZeroUsize;
use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fuzz::{rows, same_tables, tables, yaml};
use super::*;
use crate::engine::Limits;

async fn within(
    memory_bytes: usize,
    spill_dir: &Path,
    batch: usize,
    tables: &[(&str, RecordBatch)],
    before: Option<&Made>,
) -> Result<Made> {
    let (spec, sources) = model(&format!("{}provenance: false\n", yaml(4, 6)));
    let threads = NonZeroUsize::MIN;
    let spill_dir = Some(spill_dir.to_path_buf());
    let limits = Limits { threads, memory_bytes, spill_dir: spill_dir.clone(), batch_size: batch.try_into().unwrap() };
    let as_of = if before.is_some() { "2025-02-01T00:00:00Z" } else { "2025-01-01T00:00:00Z" };
    let engine = Engine::new(limits, as_of.parse().unwrap(), sources)?;
    if let Some(gone) = spill_dir.filter(|dir| dir.ends_with("gone")) {
        std::fs::remove_dir_all(gone).unwrap();
    }
    let mut frames = fixture::frames(tables, How { threads: 1, batch });
    for (name, table) in before.into_iter().flat_map(|made| &made.tables) {
        if spec.remembers().iter().any(|ending| name.ends_with(ending)) {
            frames.insert_published(TableName::new_unchecked(name), frame(table, How { threads: 2, batch }));
        }
    }
    fixture::run(&spec, "people", &settings(), frames, &engine, usize::MAX).await.map(Made)
}

/// That a run in just so little memory that it must go to disk makes what a run makes that holds all; that is handed on.
async fn same_on_disk(folder: &Path, tables: &[(&str, RecordBatch)], before: Option<&Made>) -> Made {
    let held = within(1 << 30, folder, 8192, tables, before).await.unwrap();
    for batch in [8192, 100] {
        let (mut memory, mut spilled) = (1 << 20, None);
        while spilled.is_none() {
            memory += 1 << 16;
            assert!(memory < 1 << 22, "it never fits");
            spilled = within(memory, folder, batch, tables, before).await.ok();
        }
        same_tables(&held, &spilled.unwrap());
        let gone = folder.join("gone");
        let told = within(memory, &gone, batch, tables, before).await.unwrap_err();
        let told = format!("{told:?}");
        assert!(told.contains("could not be put aside on disk"), "{told}");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "nothing is left behind");
    }
    held
}

#[tokio::test]
async fn what_is_put_on_disk_comes_out_as_if_it_had_been_held() {
    let mut random = ChaCha8Rng::seed_from_u64(23);
    let mut records = rows(&mut random, 6_000);
    // Of some records no instant says which row counts: their values do.
    for at in 0..300 {
        let mut other = records[random.random_range(0..6_000)].clone();
        other.value = Some(format!("other {at}"));
        other.keys.swap(0, 1);
        records.push(other);
    }
    let folder = tempfile::tempdir().unwrap();
    let first = same_on_disk(folder.path(), &tables(&records), None).await;
    // Then some go, anchors among them, and some are linked otherwise.
    records.retain(|_| random.random_bool(0.9));
    for _ in 0..600 {
        let at = random.random_range(0..records.len());
        records[at].keys.swap(0, 1);
    }
    let next = same_on_disk(folder.path(), &tables(&records), Some(&first)).await;
    let ended = next.lines("people_redirects", &["reason"]);
    for reason in ["merged", "retired"] {
        assert!(ended.iter().filter(|line| *line == reason).count() > 20, "{reason}");
    }
}
