//! The click ids that advertising and mailing platforms add to links, and what each one proves.

/// What a click id says about the touch it is found on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClickKind {
    /// The query parameter, which is also the name in `click_id_kind`.
    pub(super) name: &'static str,
    /// The platform, as a source.
    pub(super) source: &'static str,
    /// The medium that it stands for; empty where it proves none.
    pub(super) medium: &'static str,
    /// Whether it is only added to paid clicks, and therefore contradicts tags that say otherwise.
    pub(super) paid: bool,
    /// Other names of the platform that agree with it.
    pub(super) aliases: &'static [&'static str],
}

const fn paid(name: &'static str, source: &'static str, aliases: &'static [&'static str]) -> ClickKind {
    ClickKind { name, source, medium: "cpc", paid: true, aliases }
}

const fn medium(name: &'static str, source: &'static str, medium: &'static str, paid: bool) -> ClickKind {
    ClickKind { name, source, medium, paid, aliases: &[] }
}

const GOOGLE: &[&str] =
    &["google", "adwords", "googleads", "google_ads", "google-ads", "gdn", "youtube", "dv360", "doubleclick"];
const META: &[&str] = &["facebook", "instagram", "meta", "fb", "ig", "messenger", "an"];
const MICROSOFT: &[&str] = &["bing", "microsoft", "msn", "bingads", "bing_ads", "yahoo", "duckduckgo"];

/// Every click id that is known, the strongest evidence first: of several on one touch, the first
/// is the one that counts. At most 64.
pub(super) const KINDS: &[ClickKind] = &[
    paid("gclid", "google", GOOGLE),
    paid("gbraid", "google", GOOGLE),
    paid("wbraid", "google", GOOGLE),
    ClickKind { name: "dclid", source: "doubleclick", medium: "display", paid: true, aliases: GOOGLE },
    paid("msclkid", "bing", MICROSOFT),
    paid("ttclid", "tiktok", &["tiktok_ads"]),
    paid("twclid", "twitter", &["x", "t.co", "x.com"]),
    paid("li_fat_id", "linkedin", &["linkedin_ads", "linkedinads", "lnkd.in"]),
    paid("sccid", "snapchat", &["snap"]),
    paid("epik", "pinterest", &["pin"]),
    paid("rdt_cid", "reddit", &["reddit_ads"]),
    paid("yclid", "yandex", &[]),
    paid("qclid", "quora", &[]),
    paid("obclid", "outbrain", &[]),
    paid("oborigurl", "outbrain", &[]),
    paid("tblci", "taboola", &[]),
    medium("irclickid", "impact", "affiliate", true),
    medium("awc", "awin", "affiliate", true),
    medium("cjevent", "cj", "affiliate", true),
    paid("gclsrc", "google", GOOGLE),
    paid("gad_source", "google", GOOGLE),
    paid("gad_campaignid", "google", GOOGLE),
    ClickKind { name: "srsltid", source: "google", medium: "", paid: false, aliases: GOOGLE },
    ClickKind { name: "fbclid", source: "facebook", medium: "", paid: false, aliases: META },
    medium("mc_eid", "mailchimp", "email", false),
    medium("_hsenc", "hubspot", "email", false),
    medium("_hsmi", "hubspot", "email", false),
    medium("vero_id", "vero", "email", false),
    medium("mkt_tok", "marketo", "email", false),
];

/// Which of [`KINDS`] a touch carries: bit `i` for kind `i`.
pub(super) type ClickBits = u64;

/// The kind of that name, without regard to case.
pub(super) fn by_name(name: &[u8]) -> Option<usize> {
    KINDS.iter().position(|kind| kind.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Whether a query parameter of that name can be a click id: a look at its length and its first
/// letter, because most parameters are not.
pub(super) fn may_be(name: &[u8]) -> bool {
    let first = name.first().map_or(0, u8::to_ascii_lowercase);
    name.len() < 32 && LENGTHS >> name.len() & 1 == 1 && FIRST_LETTERS.contains(&first)
}

/// The first letters of the names in [`KINDS`].
const FIRST_LETTERS: &[u8] = b"_acdefgilmoqrstvwy";

/// The lengths of the names in [`KINDS`]: bit `n` for `n` bytes.
const LENGTHS: u32 = {
    let (mut lengths, mut rest) = (0, KINDS);
    while let [kind, others @ ..] = rest {
        lengths |= 1 << kind.name.len();
        rest = others;
    }
    lengths
};

/// The strongest of the click ids.
pub(super) fn strongest(bits: ClickBits) -> Option<(usize, &'static ClickKind)> {
    let index = bits.trailing_zeros() as usize;
    KINDS.get(index).map(|kind| (index, kind))
}

/// All click ids that are only added to paid clicks.
pub(super) fn paid_bits() -> ClickBits {
    KINDS.iter().enumerate().filter(|(_, kind)| kind.paid).fold(0, |bits, (index, _)| bits | 1 << index)
}

/// Every known click id.
pub(super) fn all_bits() -> ClickBits {
    (1 << KINDS.len()) - 1
}

/// Whether the paid click ids among `bits` come from more than one platform.
pub(super) fn several_platforms(bits: ClickBits) -> bool {
    let mut platforms = KINDS
        .iter()
        .enumerate()
        .filter(|(index, kind)| kind.paid && bits >> index & 1 == 1)
        .map(|(_, kind)| platform(kind));
    let first = platforms.next();
    platforms.any(|other| Some(other) != first)
}

/// Campaign Manager's click ids travel with those of Google Ads and are of the same house.
fn platform(kind: &ClickKind) -> &'static str {
    if kind.aliases == GOOGLE { "google" } else { kind.source }
}

/// Whether a source names the platform of the click id.
pub(super) fn agrees(kind: &ClickKind, source: &str) -> bool {
    let is = |name: &str| source == name || super::categories::site_name(source) == Some(name);
    is(kind.source) || kind.aliases.iter().any(|alias| is(alias))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_fit_the_bits() {
        assert!(KINDS.len() < 64);
        for (index, kind) in KINDS.iter().enumerate() {
            assert_eq!(by_name(kind.name.to_uppercase().as_bytes()), Some(index));
            assert!(may_be(kind.name.as_bytes()), "{}", kind.name);
        }
        assert_eq!(all_bits().count_ones() as usize, KINDS.len());
    }

    #[test]
    fn the_strongest_counts_and_unpaid_ones_prove_nothing() {
        let bit = |name: &str| 1u64 << by_name(name.as_bytes()).unwrap();
        assert_eq!(strongest(bit("fbclid") | bit("gclid")).unwrap().1.name, "gclid");
        assert_eq!(strongest(0), None);
        assert_eq!(paid_bits() & bit("fbclid"), 0);
        assert!(several_platforms(bit("gclid") | bit("msclkid")));
        assert!(!several_platforms(bit("gclid") | bit("dclid") | bit("fbclid")));
    }

    #[test]
    fn a_platform_has_several_names() {
        let gclid = &KINDS[by_name(b"gclid").unwrap()];
        assert!(agrees(gclid, "google") && agrees(gclid, "youtube.com") && agrees(gclid, "www.google.co.uk"));
        assert!(!agrees(gclid, "bing") && !agrees(gclid, "google.example.com"));
    }
}
