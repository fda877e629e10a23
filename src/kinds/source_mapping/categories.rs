//! Which sources are search engines, social networks, video sites and shops.

use std::collections::BTreeMap;

use super::spec::Category;

/// The sites that are known without a table of one's own, by the name before the public suffix.
/// The list is short on purpose: a table of `source_categories` completes it.
const SITES: &[(Category, &[&str])] = &[
    (
        Category::Search,
        &[
            "google",
            "bing",
            "yahoo",
            "duckduckgo",
            "baidu",
            "yandex",
            "ecosia",
            "qwant",
            "startpage",
            "naver",
            "seznam",
            "sogou",
            "ask",
            "aol",
            "msn",
            "search.yahoo.com",
            "search.brave.com",
            "so.com",
        ],
    ),
    (
        Category::Social,
        &[
            "facebook",
            "fb",
            "instagram",
            "ig",
            "linkedin",
            "lnkd.in",
            "twitter",
            "t.co",
            "tiktok",
            "pinterest",
            "reddit",
            "quora",
            "snapchat",
            "tumblr",
            "whatsapp",
            "wechat",
            "weibo",
            "vk",
            "xing",
            "stackoverflow",
            "news.ycombinator.com",
            "meetup",
            "messenger",
        ],
    ),
    (Category::Video, &["youtube", "youtu.be", "vimeo", "twitch", "dailymotion", "netflix", "hulu", "wistia"]),
    (
        Category::Shopping,
        &["amazon", "ebay", "etsy", "walmart", "alibaba", "aliexpress", "shopify", "shopping", "shopzilla"],
    ),
];

/// Prefixes that say how a site is shown, not which site it is.
const VIEWS: &[&str] = &["www.", "m.", "l.", "lm."];

/// Second-level labels under which countries register names.
const SECOND_LEVEL: &[&str] = &["ac", "co", "com", "edu", "gov", "net", "ne", "or", "org"];

/// The host without `www.`, `m.`, `l.` or `lm.`.
pub(super) fn without_view(host: &str) -> &str {
    VIEWS.iter().find_map(|view| host.strip_prefix(view)).filter(|rest| rest.contains('.')).unwrap_or(host)
}

/// The name that stands before the public suffix, where nothing but a view stands before it:
/// `google` of `www.google.co.uk`, nothing of `mail.google.com`.
pub(super) fn site_name(host: &str) -> Option<&str> {
    let host = without_view(host);
    let (name, suffix) = host.split_once('.')?;
    let is_label = |label: &str| label.len() >= 2 && label.bytes().all(|b| b.is_ascii_alphabetic());
    let public = match suffix.split_once('.') {
        None => is_label(suffix),
        Some((second, country)) => SECOND_LEVEL.contains(&second) && country.len() == 2 && is_label(country),
    };
    (public && !name.is_empty()).then_some(name)
}

/// The categories of sources: the table's entries, and under them the built-in ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Categories {
    known: BTreeMap<String, Category>,
}

impl Categories {
    /// The built-in sites alone.
    pub(super) fn built_in() -> Self {
        let sites = SITES.iter().flat_map(|(category, names)| names.iter().map(|name| (name.to_string(), *category)));
        Self { known: sites.collect() }
    }

    /// Adds the entries of a table, which win over the built-in ones; of several entries for one
    /// source, the first category in the order search, social, video, shopping counts.
    pub(super) fn with_table(mut self, entries: impl Iterator<Item = (String, Category)>) -> Self {
        let mut added: BTreeMap<String, Category> = BTreeMap::new();
        for (source, category) in entries {
            let slot = added.entry(source).or_insert(category);
            *slot = (*slot).min(category);
        }
        self.known.extend(added);
        self
    }

    /// The category of a cleaned source or host: of the text itself, of the host without its
    /// view, or of the site's name.
    pub(super) fn of(&self, source: &str) -> Option<Category> {
        let known = |name: &str| self.known.get(name).copied();
        known(source).or_else(|| known(without_view(source))).or_else(|| site_name(source).and_then(known))
    }

    /// Every source of these categories, in order.
    pub(super) fn names(&self, wanted: &[Category]) -> impl Iterator<Item = &str> {
        self.known.iter().filter(|(_, category)| wanted.contains(category)).map(|(name, _)| name.as_str())
    }
}

impl Category {
    /// Reads `search` or `SOURCE_CATEGORY_SEARCH`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        match text.strip_prefix("source_category_").unwrap_or(&text) {
            "search" => Some(Self::Search),
            "social" => Some(Self::Social),
            "video" => Some(Self::Video),
            "shopping" => Some(Self::Shopping),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lead_to_sites() {
        let known = Categories::built_in();
        for (source, category) in [
            ("google", Some(Category::Search)),
            ("www.google.co.uk", Some(Category::Search)),
            ("l.facebook.com", Some(Category::Social)),
            ("t.co", Some(Category::Social)),
            ("m.youtube.com", Some(Category::Video)),
            ("amazon.com.br", Some(Category::Shopping)),
            ("mail.google.com", None),
            ("gemini.google.com", None),
            ("google.example.com", None),
            ("x.com", None),
            ("chatgpt.com", None),
            ("", None),
        ] {
            assert_eq!(known.of(source), category, "{source}");
        }
    }

    #[test]
    fn a_table_completes_and_overrides() {
        let table = [("x.com".to_string(), Category::Social), ("google".to_string(), Category::Video)];
        let known = Categories::built_in().with_table(table.into_iter());
        assert_eq!(known.of("x.com"), Some(Category::Social));
        assert_eq!(known.of("google.de"), Some(Category::Video));
        assert_eq!(Category::parse("SOURCE_CATEGORY_SHOPPING"), Some(Category::Shopping));
        assert_eq!(Category::parse("games"), None);
    }
}
