//! From options to files: chunks of people, parts of chunks, parts at the same time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::campaigns::{self, Campaign};
use super::clock::{AS_OF, DAY};
use super::dice::Dice;
use super::dirt::Tally;
use super::ga4::{self, Phrases};
use super::manifest::Manifest;
use super::part::{Money, Part};
use super::people::Account;
use super::salesforce_tables::CampaignTable;
use super::story::{self, Story};
use super::web::Web;
use super::writer::{FileFact, Sink};
use super::{ads, campaign_members, crm_deals, crm_leads, hubspot};
use crate::error::{Context, Error, Result};

/// How people are cut up. The outcome depends on it, so only tests use other sizes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// People of one chunk: with one stream of chance, in memory together.
    pub(super) chunk_people: u64,
    /// Chunks of one part.
    pub(super) part_chunks: u64,
}

const SIZES: Sizes = Sizes { chunk_people: 10_000, part_chunks: 8 };
/// The most people: numbers of records must not run into each other.
const MOST_PEOPLE: u64 = 100_000_000;

/// What to generate.
#[derive(Debug, Clone)]
pub struct SampleOptions {
    /// How many people; about eleven web events and as many rows in other tables come of each.
    pub people: u64,
    /// Equal seeds give equal bytes.
    pub seed: u64,
    /// A folder that does not exist, is empty, or holds an earlier sample, which is replaced.
    pub out: PathBuf,
    /// How many parts are written at the same time; the outcome does not depend on it.
    pub threads: usize,
}

impl SampleOptions {
    /// With one thread.
    pub fn new(people: u64, seed: u64, out: impl Into<PathBuf>) -> Self {
        Self { people, seed, out: out.into(), threads: 1 }
    }
}

/// Writes the sample and its manifest.
///
/// # Errors
///
/// A project error if the folder holds something else or the number of people is out of range; a
/// world error if a file cannot be written. What was written by then stays.
pub fn generate(options: &SampleOptions) -> Result<Manifest> {
    generate_sized(options, SIZES)
}

pub(super) fn generate_sized(options: &SampleOptions, sizes: Sizes) -> Result<Manifest> {
    if !(1..=MOST_PEOPLE).contains(&options.people) {
        return Err(Error::project(format!("`{}` people cannot be generated", options.people))
            .with_hint(format!("give a number from 1 to {MOST_PEOPLE}")));
    }
    clear(&options.out).while_doing(|| format!("preparing `{}`", options.out.display()))?;
    // Stream 0 is what all parts share; chunks have the streams from 1 on.
    let mut dice = Dice::new(options.seed, 0);
    let programme = campaigns::programme(&mut dice);
    let mut done = parts(options, sizes, &programme)?;
    let mut campaign: Sink<CampaignTable> = Sink::create(&options.out, 0)?;
    campaign_members::write_programme(&mut dice, &mut campaign, &programme)?;
    done.facts.push(campaign.close()?);
    done.facts.extend(ads::write(&mut dice, &options.out, options.people, &mut done.money)?);
    done.tally.absorb(&dice.tally);
    let manifest = Manifest::new(options.seed, options.people, &done.facts, &done.tally, &done.money);
    save(&options.out, &manifest)?;
    Ok(manifest)
}

/// What came of one part or of several.
#[derive(Default)]
struct Done {
    facts: Vec<FileFact>,
    tally: Tally,
    money: Money,
}

/// Writes all parts, several at the same time.
fn parts(options: &SampleOptions, sizes: Sizes, programme: &[Campaign]) -> Result<Done> {
    let count = options.people.div_ceil(sizes.chunk_people * sizes.part_chunks);
    let next = AtomicU64::new(0);
    let results: Mutex<Vec<(u64, Result<Done>)>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let done = part(options, sizes, programme, number);
            if done.is_err() {
                // The others need not go on.
                next.store(count, Ordering::Relaxed);
            }
            if let Ok(mut results) = results.lock() {
                results.push((number, done));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.threads.min(count as usize) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().map_err(|_| Error::internal("a sample writer stopped"))?;
    results.sort_by_key(|(number, _)| *number);
    let mut all = Done::default();
    for (_, done) in results {
        let done = done?;
        all.facts.extend(done.facts);
        all.tally.absorb(&done.tally);
        for (key, (rows, cents)) in done.money {
            let (all_rows, all_cents) = all.money.entry(key).or_default();
            *all_rows += rows;
            *all_cents += cents;
        }
    }
    Ok(all)
}

/// Writes one part of every table.
fn part(options: &SampleOptions, sizes: Sizes, programme: &[Campaign], number: u64) -> Result<Done> {
    let mut part = Part::create(&options.out, number)?;
    let phrases = Phrases::new();
    let mut tally = Tally::default();
    for chunk in number * sizes.part_chunks..(number + 1) * sizes.part_chunks {
        let first = chunk * sizes.chunk_people;
        let last = options.people.min(first + sizes.chunk_people);
        if first < last {
            let mut dice = Dice::new(options.seed, chunk + 1);
            people(&mut dice, &mut part, &phrases, programme, options.people, first..last)?;
            tally.absorb(&dice.tally);
        }
    }
    let (facts, money) = part.close()?;
    Ok(Done { facts, tally, money })
}

/// Writes one chunk: company by company, then the traffic of all of them in order of time.
fn people(
    dice: &mut Dice,
    part: &mut Part,
    phrases: &Phrases,
    programme: &[Campaign],
    total: u64,
    numbers: std::ops::Range<u64>,
) -> Result<()> {
    let mut web = Web::default();
    let mut known = None;
    let mut next = numbers.start;
    while next < numbers.end {
        // No chunk has more companies than people, so their numbers do not meet.
        let account = Account::found(dice, next);
        let heads = account.headcount(dice).min(numbers.end - next);
        let story = story::tell(dice, &mut web, account, next, heads);
        known = known.or_else(|| somebody(&story));
        crm_leads::write(dice, part, &story)?;
        crm_deals::write(dice, part, &story, programme)?;
        campaign_members::write(dice, part, &story, programme)?;
        hubspot::write(dice, part, &mut web, &story)?;
        next += heads;
    }
    for (number, touches) in bots(total, &numbers) {
        let user = known.as_ref().filter(|_| number.is_multiple_of(2)).map(|(id, from)| (id.as_str(), *from));
        ga4::crawl(dice, &mut web, touches, user);
    }
    ga4::write(dice, part, phrases, web)
}

/// Somebody whose id a bot may use, and from when.
fn somebody(story: &Story) -> Option<(String, i64)> {
    let known = story.members.iter().find_map(|member| member.known.as_ref())?;
    (known.at < AS_OF - 60 * DAY).then(|| (story::user_id(known.contact_id), known.at))
}

/// The bots among these people: their numbers, and how many events each makes.
fn bots(total: u64, numbers: &std::ops::Range<u64>) -> Vec<(u64, u64)> {
    let touches = (total / 5).clamp(300, 40_000);
    let count = total.div_ceil(100_000);
    (0..count)
        // Spread over the people, so that no chunk has many.
        .filter(|bot| numbers.contains(&(bot * (total / count))))
        .map(|bot| (bot, touches))
        .collect()
}

/// Makes the folder ready: an earlier sample goes, anything else is left alone and an error.
fn clear(out: &Path) -> Result<()> {
    std::fs::create_dir_all(out)?;
    let manifest = out.join("manifest.json");
    if !manifest.is_file() {
        return match std::fs::read_dir(out)?.next() {
            None => Ok(()),
            Some(_) => Err(Error::project("the folder is not empty and holds no sample")
                .with_hint("give a new folder, or empty this one")),
        };
    }
    let text = std::fs::read_to_string(&manifest)?;
    let earlier: Manifest = serde_json::from_str(&text)
        .map_err(|e| Error::project("`manifest.json` is not that of a sample").with_source(e))?;
    // A name that could lead out of the folder is not one of ours.
    let ours = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    for table in earlier.tables.iter().filter(|table| ours(&table.system) && ours(&table.table)) {
        for part in 0..table.files {
            let path = out.join(&table.system).join(&table.table).join(format!("part-{part:05}.parquet"));
            if path.is_file() {
                std::fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

fn save(out: &Path, manifest: &Manifest) -> Result<()> {
    let path = out.join("manifest.json");
    let mut file = File::create(&path).while_doing(|| format!("creating `{}`", path.display()))?;
    serde_json::to_writer_pretty(&mut file, manifest)
        .map_err(|e| Error::world("manifest could not be written").with_source(e))?;
    std::io::Write::write_all(&mut file, b"\n")?;
    Ok(())
}
