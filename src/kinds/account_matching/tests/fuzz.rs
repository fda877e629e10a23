//! The kind against its naive twin, over random leads and accounts.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::naive::{Account, Answer, Lead, Setup, Text, answers};
use super::super::tier::Tier;
use super::*;

const HOSTS: [&str; 12] = [
    "acme.com",
    "emea.acme.com",
    "uk.emea.acme.com",
    "beta.co.uk",
    "shop.beta.co.uk",
    "gmail.com",
    "facebook.com",
    "acme.io",
    "co.uk",
    "zen.de",
    "Zen.DE",
    "n/a",
];
const NAMES: [&str; 14] = [
    "Acme",
    "ACME Inc",
    "Acmee",
    "Acme Labs",
    "Akme",
    "Beta GmbH",
    "Betta",
    "Betas",
    "Zen",
    "Zenn AG",
    "Übe",
    "Ube",
    "n/a",
    " ",
];
const LANDS: [&str; 7] = ["US", "usa", "United States", "DE", "Germany", "Atlantis", "?"];
const STATES: [&str; 4] = ["CA", "c.a.", "NY", "Ontario"];

struct World {
    leads: Vec<Lead>,
    accounts: Vec<Account>,
    setup: Setup,
}

fn pick(random: &mut ChaCha8Rng, words: &[&str]) -> Text {
    random.random_bool(0.8).then(|| words[random.random_range(0..words.len())].to_string())
}

fn id(random: &mut ChaCha8Rng, most: usize) -> Text {
    random.random_bool(0.95).then(|| format!("i{}", random.random_range(0..most)))
}

fn lead(random: &mut ChaCha8Rng, leads: usize, accounts: usize) -> Lead {
    let mail = pick(random, &HOSTS).map(|host| format!("ann@{host}"));
    let account = random.random_bool(0.2).then(|| id(random, 2 * accounts)).flatten();
    let texts =
        [account, mail, pick(random, &HOSTS), pick(random, &NAMES), pick(random, &LANDS), pick(random, &STATES)];
    Lead { id: id(random, leads * 2), texts }
}

fn account(random: &mut ChaCha8Rng, accounts: usize) -> Account {
    let website = pick(random, &HOSTS).map(|host| format!("https://www.{host}/about"));
    let texts = [pick(random, &HOSTS), website, pick(random, &NAMES), pick(random, &LANDS), pick(random, &STATES)];
    let customer = Some(i64::from(random.random_bool(0.3)));
    let size = random.random_bool(0.7).then(|| random.random_range(0..3));
    let made = random.random_bool(0.7).then(|| random.random_range(0..3));
    Account { id: id(random, accounts * 2), prefer: vec![customer, size, made], texts }
}

fn world(random: &mut ChaCha8Rng, leads: usize, accounts: usize) -> World {
    let mut tiers = Tier::ALL.to_vec();
    if random.random_bool(0.5) {
        let (left, right) = (random.random_range(0..5), random.random_range(0..5));
        tiers.swap(left, right);
        tiers.truncate(random.random_range(1..=5));
    }
    let pair = |random: &mut ChaCha8Rng| (pick(random, &HOSTS), pick(random, &HOSTS));
    let aliases = (0..random.random_range(0..5)).map(|_| pair(random)).collect();
    let walk = |random: &mut ChaCha8Rng| (id(random, accounts), id(random, accounts));
    let crosswalk = (0..random.random_range(0..5)).map(|_| walk(random)).collect();
    let prefer = [("is_customer", true), ("latest size", true), ("lowest n_made", false)];
    let setup = Setup {
        tiers,
        least: [700_000, 850_000, 920_000][random.random_range(0..3)],
        most_accounts: random.random_range(1..6),
        most_names: random.random_range(1..6),
        aliases,
        crosswalk,
        across_domains: random.random_bool(0.5),
        shared: vec!["facebook.com".to_string(), "zen.de".to_string()],
        prefer: prefer.map(|(title, descending)| (title.to_string(), descending)).to_vec(),
    };
    World {
        leads: (0..leads).map(|_| lead(random, leads, accounts)).collect(),
        accounts: (0..accounts).map(|_| account(random, accounts)).collect(),
        setup,
    }
}

fn yaml(setup: &Setup) -> String {
    let tiers: Vec<String> = setup
        .tiers
        .iter()
        .map(|tier| match tier {
            Tier::SimilarName => format!("similar_name: 0.{:06}", setup.least),
            tier => tier.word().to_string(),
        })
        .collect();
    format!(
        "
leads: {{from: leads, id: id, fields: {{account_id: t0, email: t1, website: t2, company: t3, country: t4, state: t5}}}}
accounts: {{from: accounts, id: id, fields: {{domain: t0, website: t1, name: t2, country: t3, state: t4}}}}
crosswalk: {{from: walk, record: a, id: b}}
aliases: {{from: aliases, alias: a, domain: b}}
tiers: [{}]
prefer: [is_customer, {{name: latest size, latest: to_timestamp_micros(n_size)}}, {{lowest: n_made}}]
max_accounts_per_key: {}
max_names_compared: {}
names_across_domains: {}
shared_websites: [facebook.com, zen.de]
",
        tiers.join(", "),
        setup.most_accounts,
        setup.most_names,
        setup.across_domains
    )
}

fn texts<'a>(values: impl Iterator<Item = &'a Text>) -> ArrayRef {
    Arc::new(values.map(Option::as_deref).collect::<StringArray>())
}

fn tables(world: &World) -> Vec<(&'static str, RecordBatch)> {
    let (leads, accounts) = (&world.leads, &world.accounts);
    let mut columns = vec![("id".to_string(), texts(leads.iter().map(|lead| &lead.id)), true)];
    columns.extend((0..6).map(|at| (format!("t{at}"), texts(leads.iter().map(|lead| &lead.texts[at])), true)));
    let lead_rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut columns = vec![("id".to_string(), texts(accounts.iter().map(|account| &account.id)), true)];
    columns.extend((0..5).map(|at| (format!("t{at}"), texts(accounts.iter().map(|account| &account.texts[at])), true)));
    let numbers = |at: usize| accounts.iter().map(move |account| account.prefer[at]);
    let customers: BooleanArray = numbers(0).map(|value| value.map(|value| value == 1)).collect();
    columns.push(("is_customer".to_string(), Arc::new(customers), true));
    columns.push(("n_size".to_string(), Arc::new(numbers(1).collect::<Int64Array>()), true));
    columns.push(("n_made".to_string(), Arc::new(numbers(2).collect::<Int64Array>()), true));
    let account_rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let pairs = |pairs: &[(Text, Text)]| {
        let (left, right) = (texts(pairs.iter().map(|pair| &pair.0)), texts(pairs.iter().map(|pair| &pair.1)));
        RecordBatch::try_from_iter_with_nullable([("a", left, true), ("b", right, true)]).unwrap()
    };
    let (walk, aliases) = (pairs(&world.setup.crosswalk), pairs(&world.setup.aliases));
    vec![("leads", lead_rows), ("accounts", account_rows), ("walk", walk), ("aliases", aliases)]
}

/// Answers in the form of [`Made::matches`].
fn written(answers: &[Answer]) -> Vec<String> {
    let text = |text: &Text| text.clone().unwrap_or("-".to_string());
    let line = |(lead, account, tier, score, candidates, decided, on): &Answer| {
        let score = score.map_or("-".to_string(), |score| format!("{}.{:06}", score / 1_000_000, score % 1_000_000));
        let cells = [lead.clone(), text(account), text(tier), score, candidates.to_string(), text(decided), text(on)];
        cells.join(" | ")
    };
    let mut lines: Vec<String> = answers.iter().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn random_leads_find_the_accounts_of_the_naive_way() {
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let mut found = [0; 5];
    for round in 0..24 {
        let (leads, accounts) = [(3, 2), (40, 10), (80, 40)][round % 3];
        let world = world(&mut random, leads, accounts);
        let expected = answers(&world.leads, &world.accounts, &world.setup);
        for (at, tier) in Tier::ALL.iter().enumerate() {
            found[at] += expected.iter().filter(|answer| answer.2.as_deref() == Some(tier.word())).count();
        }
        let (yaml, tables) = (yaml(&world.setup), tables(&world));
        let hows = [(1, 8192), (2, 1), (1, 2), (3, 7), (2, 50)];
        let (threads, batch) = hows[round % hows.len()];
        let made = run(&yaml, &tables, How { threads, batch }).await;
        let (expected, made) = (written(&expected), made.matches());
        let differs = made.iter().zip(&expected).find(|(made, expected)| made != expected);
        assert_eq!(differs, None, "round {round}, {threads} threads, batches of {batch}: {yaml}");
        assert_eq!(made.len(), expected.len());
    }
    assert!(found.iter().all(|count| *count > 20), "tiers that were hardly met: {found:?}");
}

#[tokio::test]
async fn neither_threads_nor_batches_nor_the_order_of_rows_show() {
    let mut random = ChaCha8Rng::seed_from_u64(21);
    let mut world = world(&mut random, 300, 60);
    world.setup.tiers = Tier::ALL.to_vec();
    let yaml = yaml(&world.setup);
    let first = run(&yaml, &tables(&world), PLAIN).await;
    world.leads.reverse();
    world.accounts.rotate_left(17);
    world.setup.aliases.reverse();
    world.setup.crosswalk.reverse();
    for (threads, batch) in [(1, 1), (3, 2), (2, 7), (5, 50), (1, 8192)] {
        let made = run(&yaml, &tables(&world), How { threads, batch }).await;
        for (name, table) in &first.tables {
            let columns: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            assert_eq!(first.lines(name, &columns), made.lines(name, &columns), "{name}");
        }
        assert_eq!(first.facts, made.facts, "{threads} threads, batches of {batch}");
    }
}
