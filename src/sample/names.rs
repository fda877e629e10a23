//! Names of people and companies, their addresses, and how they are mistyped.

use super::dice::Dice;
use super::dirt::Dirt;

/// First names as written, and in letters that an address takes.
#[rustfmt::skip]
const FIRST: [(&str, &str); 72] = [
    ("Ada", "ada"), ("Adriana", "adriana"), ("Aiko", "aiko"), ("Alan", "alan"), ("Alice", "alice"), ("Amir", "amir"),
    ("Ana", "ana"), ("Anders", "anders"), ("André", "andre"), ("Anjali", "anjali"), ("Arthur", "arthur"), ("Astrid", "astrid"),
    ("Beatriz", "beatriz"), ("Ben", "ben"), ("Björn", "bjorn"), ("Bruno", "bruno"), ("Camille", "camille"), ("Carla", "carla"),
    ("Charlotte", "charlotte"), ("Chen", "chen"), ("Clara", "clara"), ("Daniel", "daniel"), ("David", "david"), ("Deepa", "deepa"),
    ("Diego", "diego"), ("Elena", "elena"), ("Emma", "emma"), ("Erik", "erik"), ("Ethan", "ethan"), ("Fatima", "fatima"),
    ("Felix", "felix"), ("Fiona", "fiona"), ("Grace", "grace"), ("Hanna", "hanna"), ("Haruto", "haruto"), ("Hugo", "hugo"),
    ("Ian", "ian"), ("Ines", "ines"), ("Isaac", "isaac"), ("Jack", "jack"), ("Jonas", "jonas"), ("José", "jose"),
    ("Julia", "julia"), ("Jürgen", "juergen"), ("Karin", "karin"), ("Kenji", "kenji"), ("Laura", "laura"), ("Liam", "liam"),
    ("Lotte", "lotte"), ("Lucía", "lucia"), ("Maria", "maria"), ("Mark", "mark"), ("Mei", "mei"), ("Mia", "mia"),
    ("Nadia", "nadia"), ("Nils", "nils"), ("Noah", "noah"), ("Olivia", "olivia"), ("Oscar", "oscar"), ("Paula", "paula"),
    ("Priya", "priya"), ("Rafael", "rafael"), ("Renée", "renee"), ("Rosa", "rosa"), ("Ruben", "ruben"), ("Sanjay", "sanjay"),
    ("Sofia", "sofia"), ("Søren", "soren"), ("Tom", "tom"), ("Vera", "vera"), ("Yara", "yara"), ("Zoë", "zoe"),
];

/// Last names that are common; the others are put together from [`STEMS`] and [`ENDS`].
#[rustfmt::skip]
const LAST: [(&str, &str); 36] = [
    ("Smith", "smith"), ("Jones", "jones"), ("Brown", "brown"), ("Taylor", "taylor"), ("Wilson", "wilson"), ("Miller", "miller"),
    ("Davis", "davis"), ("Martin", "martin"), ("Clark", "clark"), ("Lewis", "lewis"), ("Walker", "walker"), ("Young", "young"),
    ("Müller", "mueller"), ("Schmidt", "schmidt"), ("Weber", "weber"), ("Fischer", "fischer"), ("Schäfer", "schaefer"), ("Dubois", "dubois"),
    ("Lefèvre", "lefevre"), ("Moreau", "moreau"), ("García", "garcia"), ("López", "lopez"), ("Silva", "silva"), ("Santos", "santos"),
    ("de Vries", "devries"), ("van Dijk", "vandijk"), ("Lindqvist", "lindqvist"), ("Sørensen", "sorensen"), ("O'Brien", "obrien"), ("Patel", "patel"),
    ("Singh", "singh"), ("Sharma", "sharma"), ("Tanaka", "tanaka"), ("Suzuki", "suzuki"), ("Nguyen", "nguyen"), ("Kim", "kim"),
];

#[rustfmt::skip]
const STEMS: [&str; 30] = [
    "Alder", "Ash", "Bar", "Birk", "Black", "Brad", "Carl", "Dal", "East", "Fair", "Gold", "Hart", "Haw", "Holm", "Kirk",
    "Lang", "Lock", "Mar", "Nor", "Oak", "Park", "Rad", "Red", "Stan", "Stein", "Thorn", "Wal", "West", "Whit", "Win",
];
#[rustfmt::skip]
const ENDS: [&str; 20] = [
    "berg", "by", "croft", "dale", "feld", "field", "ford", "gate", "ham", "hurst", "ley", "man", "more", "sen", "son",
    "stead", "ström", "ton", "well", "wood",
];

#[rustfmt::skip]
const COMPANY: [&str; 48] = [
    "Amber", "Anchor", "Arbor", "Atlas", "Aurora", "Basalt", "Beacon", "Birch", "Bramble", "Cedar", "Cinder", "Cobalt",
    "Copper", "Coral", "Crest", "Delta", "Ember", "Falcon", "Fern", "Fjord", "Garnet", "Granite", "Harbor", "Hazel",
    "Heron", "Indigo", "Juniper", "Kestrel", "Lantern", "Linden", "Lumen", "Maple", "Meridian", "Mosaic", "Nimbus", "Onyx",
    "Orchard", "Osprey", "Pebble", "Pioneer", "Quarry", "Raven", "Saffron", "Sierra", "Spruce", "Tundra", "Willow", "Zephyr",
];
#[rustfmt::skip]
const TRADE: [&str; 30] = [
    "Analytics", "Apparel", "Bearings", "Brands", "Capital", "Chemicals", "Clinics", "Components", "Cycles", "Devices",
    "Dynamics", "Energy", "Foods", "Freight", "Furniture", "Games", "Home", "Instruments", "Labs", "Learning",
    "Logistics", "Materials", "Media", "Outdoor", "Packaging", "Pharma", "Robotics", "Software", "Systems", "Wholesale",
];
const FORMS: [(&str, u32); 6] = [("", 50), (" Inc", 16), (" GmbH", 10), (" Ltd", 12), (" LLC", 8), (" SA", 4)];

const TITLES: [(&str, u32); 16] = [
    ("VP Operations", 6),
    ("Head of Supply Chain", 8),
    ("Supply Chain Manager", 12),
    ("Demand Planner", 10),
    ("Inventory Manager", 10),
    ("Operations Manager", 10),
    ("Director of Logistics", 7),
    ("CFO", 4),
    ("CEO", 4),
    ("COO", 4),
    ("IT Manager", 6),
    ("Data Analyst", 7),
    ("Buyer", 6),
    ("Consultant", 3),
    ("Student", 2),
    ("Marketing Manager", 3),
];

/// A person's name: as written, and in letters that an address takes.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) first: &'static str,
    pub(super) last: String,
    first_key: &'static str,
    last_key: String,
}

impl Name {
    /// A name from the pools.
    pub(super) fn of(dice: &mut Dice) -> Self {
        let (first, first_key) = *dice.pick(&FIRST);
        let (last, last_key) = if dice.chance(0.45) {
            let (last, key) = *dice.pick(&LAST);
            (last.to_owned(), key.to_owned())
        } else {
            let last = format!("{}{}", dice.pick(&STEMS), dice.pick(&ENDS));
            let key = last.to_lowercase().replace('ö', "o");
            (last, key)
        };
        Self { first, last, first_key, last_key }
    }

    /// The address at a company; `number` tells namesakes of large companies apart.
    pub(super) fn work_email(&self, dice: &mut Dice, domain: &str, number: usize) -> String {
        let suffix = if number > 40 { number.to_string() } else { String::new() };
        let initial = self.first_key.get(..1).unwrap_or_default();
        match dice.below(10) {
            0..6 => format!("{}.{}{suffix}@{domain}", self.first_key, self.last_key),
            6..9 => format!("{initial}{}{suffix}@{domain}", self.last_key),
            _ => format!("{}{suffix}@{domain}", self.first_key),
        }
    }

    /// The address at a free mail provider, made unique by the person's number.
    pub(super) fn free_email(&self, dice: &mut Dice, number: u64) -> String {
        const PROVIDERS: [(&str, u32); 5] =
            [("gmail.com", 60), ("outlook.com", 15), ("yahoo.com", 12), ("hotmail.com", 8), ("icloud.com", 5)];
        let provider = dice.weighted(&PROVIDERS);
        format!("{}.{}.{number}x@{provider}", self.first_key, self.last_key)
    }
}

/// A company's name and domain; `number` makes the domain unique.
pub(super) fn company(dice: &mut Dice, number: u64) -> (String, String) {
    let (first, second) = (dice.pick(&COMPANY), dice.pick(&TRADE));
    let name = format!("{first} {second}{}", dice.weighted(&FORMS));
    let domain = format!("{}-{}{number}.example", first.to_lowercase(), second.to_lowercase());
    (name, domain)
}

/// A job title, more often one that buys.
pub(super) fn title(dice: &mut Dice) -> &'static str {
    dice.weighted(&TITLES)
}

/// An address as it was typed into one system: with capitals, a tag, moved dots, a typo or none.
pub(super) fn email_as_typed(dice: &mut Dice, email: &str) -> String {
    let Some((local, domain)) = email.split_once('@') else { return email.to_owned() };
    if domain == "gmail.com" && dice.strikes(Dirt::EmailDots) {
        // The provider ignores dots, so this is still the same mailbox.
        let local = local.replace('.', "");
        let (head, tail) = local.split_at_checked(2).unwrap_or((&local, ""));
        return format!("{head}.{tail}@{domain}");
    }
    if dice.strikes(Dirt::EmailPlusTag) {
        let tag = *dice.pick(&["news", "tidewright", "work", "demo"]);
        return format!("{local}+{tag}@{domain}");
    }
    if dice.strikes(Dirt::EmailTypo) {
        return format!("{}@{domain}", swapped(dice, local));
    }
    if dice.strikes(Dirt::EmailCase) {
        return if dice.chance(0.3) { email.to_uppercase() } else { format!("{}@{domain}", capitalised(local)) };
    }
    email.to_owned()
}

/// First and last name as they were typed into one system.
pub(super) fn name_as_typed(dice: &mut Dice, name: &Name) -> (String, String) {
    if dice.strikes(Dirt::NameTypo) {
        return (name.first.to_owned(), swapped(dice, &name.last));
    }
    if dice.strikes(Dirt::NameCase) {
        return (name.first.to_uppercase(), name.last.to_uppercase());
    }
    (name.first.to_owned(), name.last.clone())
}

/// A company's name as somebody else would write it.
pub(super) fn company_as_typed(dice: &mut Dice, name: &str) -> String {
    let plain = FORMS.iter().fold(name, |name, (form, _)| name.strip_suffix(form).unwrap_or(name));
    match dice.below(10) {
        0 => name.to_uppercase(),
        1 => plain.to_lowercase(),
        2 | 3 => plain.to_owned(),
        4 => format!("The {plain} Company"),
        _ => name.to_owned(),
    }
}

/// A telephone number in one of the ways people write them.
pub(super) fn phone(dice: &mut Dice, dial: &str) -> String {
    let (area, middle, end) = (dice.between(201, 989), dice.between(200, 999), dice.between(0, 9_999));
    match dice.below(6) {
        0 | 1 => format!("+{dial} {area} {middle} {end:04}"),
        2 => format!("+{dial}{area}{middle}{end:04}"),
        3 => format!("00{dial}-{area}-{middle}-{end:04}"),
        4 => format!("({area}) {middle}-{end:04}"),
        _ => format!("{area}.{middle}.{end:04}"),
    }
}

/// Two different neighbours swapped, so that the text is surely another one.
fn swapped(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = letters
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair.first() != pair.last())
        .map(|(place, _)| place)
        .collect();
    if let Some(place) = places.get(dice.below(places.len())) {
        letters.swap(*place, place + 1);
    }
    letters.into_iter().collect()
}

fn capitalised(local: &str) -> String {
    let mut out = String::with_capacity(local.len());
    let mut first = true;
    for letter in local.chars() {
        if first {
            out.extend(letter.to_uppercase())
        } else {
            out.push(letter)
        }
        first = letter == '.';
    }
    out
}
