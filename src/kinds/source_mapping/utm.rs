//! How well a link is tagged: the grade of its UTM parameters.

use super::rules::RuleBook;

/// The three parameters that a tagged link must have, in the order in which they are judged.
pub(super) const GRADED: [&str; 3] = ["source", "medium", "campaign"];

/// The longest value that passes, in characters.
pub(super) const MAX_CHARS: usize = 100;

/// The mediums that count as valid where the user lists none; those that own rules name are added.
pub(super) const MEDIUMS: &[&str] = &[
    "affiliate",
    "ai-assistant",
    "app",
    "audio",
    "banner",
    "cpa",
    "cpc",
    "cpm",
    "cpv",
    "display",
    "email",
    "event",
    "interstitial",
    "link",
    "offline",
    "organic",
    "paid_search",
    "paid_social",
    "partner",
    "ppc",
    "print",
    "push",
    "qr",
    "referral",
    "retargeting",
    "shopping",
    "sms",
    "social",
    "sponsored",
    "video",
    "webinar",
];

/// What is wrong with one value, from harmless to fatal: of several flaws, the last counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Flaw {
    /// Nothing.
    Fine,
    /// Capital letters.
    UpperCase,
    /// Space before or after.
    Padded,
    /// A spelling that a synonym replaces.
    Synonym,
    /// Not there, while another parameter is.
    Missing,
    /// A medium that is not in the list.
    UnknownMedium,
    /// Characters beyond `a-z 0-9 . _ ~ -`, or none of `a-z 0-9` first.
    Characters,
    /// White space inside.
    Space,
    /// Too long.
    Long,
    /// The parameter stands in the URL more than once.
    Repeated,
    /// A URL where a name should be.
    Url,
    /// The link leads from one's own site to itself.
    Internal,
    /// A template's placeholder, or a word that means nothing.
    Placeholder,
    /// An e-mail address.
    Email,
}

impl Flaw {
    /// Every flaw, in order.
    pub(super) const ALL: [Self; 14] = [
        Self::Fine,
        Self::UpperCase,
        Self::Padded,
        Self::Synonym,
        Self::Missing,
        Self::UnknownMedium,
        Self::Characters,
        Self::Space,
        Self::Long,
        Self::Repeated,
        Self::Url,
        Self::Internal,
        Self::Placeholder,
        Self::Email,
    ];

    /// What it is, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::UpperCase => "capital letters",
            Self::Padded => "space before or after",
            Self::Synonym => "a spelling that is replaced",
            Self::Missing => "missing",
            Self::UnknownMedium => "not an allowed medium",
            Self::Characters => "characters other than a-z 0-9 . _ ~ -",
            Self::Space => "space inside",
            Self::Long => "longer than 100 characters",
            Self::Repeated => "given more than once",
            Self::Url => "a URL where a name should be",
            Self::Internal => "on a link inside the own site",
            Self::Placeholder => "a placeholder",
            Self::Email => "an e-mail address",
        }
    }

    /// The grade of a link whose worst flaw it is.
    pub(super) fn grade(self) -> Grade {
        match self {
            Self::Fine => Grade::Valid,
            Self::UpperCase | Self::Padded | Self::Synonym => Grade::Fixable,
            _ => Grade::Invalid,
        }
    }
}

/// How well a link is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Grade {
    /// Every parameter is as it should be.
    Valid,
    /// Only case, surrounding space or a known synonym is wrong.
    Fixable,
    /// Something is wrong that cannot be mended here.
    Invalid,
    /// There is no UTM parameter at all.
    Missing,
}

/// The words in `utm_grade`, in the order of [`Grade`].
pub(super) const GRADES: [&str; 4] = ["valid", "fixable", "invalid", "missing"];

/// The worst flaw of one raw value (decoded, not cleaned) of parameter `which` of [`GRADED`].
pub(super) fn judge(book: &RuleBook, which: usize, raw: &str) -> Flaw {
    let trimmed = raw.trim();
    let lower = trimmed.to_lowercase();
    if lower.is_empty() {
        return Flaw::Missing;
    }
    let synonyms = match which {
        0 => Some(&book.source_synonyms),
        1 => Some(&book.medium_synonyms),
        _ => None,
    };
    let meant = synonyms.and_then(|known| known.get(&lower));
    let value = meant.unwrap_or(&lower);
    let hard = unmendable(book, which, value);
    if hard > Flaw::Fine {
        return hard;
    }
    if meant.is_some() {
        Flaw::Synonym
    } else if trimmed.len() != raw.len() {
        Flaw::Padded
    } else if lower != trimmed {
        Flaw::UpperCase
    } else {
        Flaw::Fine
    }
}

/// The worst flaw of a cleaned value that cleaning does not mend.
fn unmendable(book: &RuleBook, which: usize, value: &str) -> Flaw {
    let own_site = which == 0 && book.is_internal(super::url::clean_host(value).as_str());
    let url = which == 0 && (value.contains("://") || value.starts_with("www.") || value.contains('/'));
    let flaws = [
        (is_email(value), Flaw::Email),
        (is_placeholder(value), Flaw::Placeholder),
        (own_site, Flaw::Internal),
        (url, Flaw::Url),
        (value.chars().count() > MAX_CHARS, Flaw::Long),
        (value.contains(char::is_whitespace) || value.contains("%20") || value.contains('+'), Flaw::Space),
        (!has_plain_characters(value), Flaw::Characters),
        (which == 1 && !book.mediums.contains(value), Flaw::UnknownMedium),
    ];
    flaws.into_iter().find(|(found, _)| *found).map_or(Flaw::Fine, |(_, flaw)| flaw)
}

fn has_plain_characters(value: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut bytes = value.bytes();
    bytes.next().is_some_and(alphanumeric) && bytes.all(|b| alphanumeric(b) || matches!(b, b'.' | b'_' | b'~' | b'-'))
}

fn is_placeholder(value: &str) -> bool {
    let wrapped = value.len() > 4 && value.starts_with("__") && value.ends_with("__");
    let braces = ["{", "}", "%7b", "%7d", "[[", "]]"].iter().any(|mark| value.contains(mark));
    wrapped || braces || ["null", "(null)", "undefined", "test", "nan", "none", "n/a", "xxx"].contains(&value)
}

fn is_email(value: &str) -> bool {
    let parts = value.split_once('@').or_else(|| value.split_once("%40"));
    parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// The grade of a link and its reason, from the worst flaw of each parameter.
///
/// The reason is an index into [`reasons`]: the parameter with the worst flaw, the first of them
/// where several are equally bad.
pub(super) fn grade(flaws: [Flaw; 3]) -> (Grade, Option<usize>) {
    if flaws == [Flaw::Missing; 3] {
        return (Grade::Missing, None);
    }
    let (mut which, mut worst) = (0, Flaw::Fine);
    for (index, flaw) in flaws.into_iter().enumerate() {
        if flaw > worst {
            (which, worst) = (index, flaw);
        }
    }
    let reason = (worst > Flaw::Fine).then_some(which * Flaw::ALL.len() + worst as usize);
    (worst.grade(), reason)
}

/// Every reason: for each parameter, each flaw.
pub(super) fn reasons() -> Vec<String> {
    let of = |name: &&str| Flaw::ALL.map(|flaw| format!("utm_{name}: {}", flaw.words()));
    GRADED.iter().flat_map(of).collect()
}
