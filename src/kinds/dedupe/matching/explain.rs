//! A model for people: its weights as a table of text, and what each condition means in words.

use std::fmt::Write as _;

use super::level::Test;
use super::model::{Level, Model};
use super::similar::{edits, jaro_winkler, shared_words};
use super::weights::threshold;

impl Model {
    /// The weights as a table: one line a level, with a bar a bit long or short, and how often it is
    /// seen among true and other pairs, and among related ones where those are told apart.
    ///
    /// ```text
    /// first_name (given_name)                     weight  of true pairs  of others
    ///   equal                          +++++++     +6.98         92.40 %     0.731 %
    /// ```
    pub fn explain(&self) -> String {
        let mut text = String::new();
        let start = format!(
            "one pair in {} is of one person: start at {} bits\n",
            grouped(1.0 / self.lambda),
            signed(self.prior_bits)
        );
        text.push_str(&start);
        // Writing to a string cannot fail.
        if let Some(related) = &self.related {
            let _ = writeln!(
                text,
                "one pair in {} is of related ones, who live or work together; what those would show as well does not count",
                grouped(1.0 / related.rho)
            );
        }
        let related = if self.related.is_some() { "related" } else { "" };
        for field in &self.fields {
            let rare = if field.term_frequency { "; rare values weigh more" } else { "" };
            let title = format!("{} ({}{rare})", field.name, field.kind);
            let head = format!("\n{title:<52}{:>8}{:>12}{:>12}{related:>12}", "weight", "true pairs", "others");
            let _ = writeln!(text, "{}", head.trim_end());
            for level in &field.levels {
                let _ = writeln!(text, "{}", line(level));
            }
        }
        let needed = |probability: f64| signed(threshold(probability).saturating_sub(self.prior_bits));
        let _ = writeln!(
            text,
            "\nfields must add up to {} bits for a probability of 0.95, to {} for 0.5",
            needed(0.95),
            needed(0.5)
        );
        if let Some(trained) = &self.trained {
            let _ = writeln!(
                text,
                "learnt from {} records, {} pairs in blocks, about {} of them of one person{}, in {} rounds{}",
                trained.records,
                trained.blocked_pairs,
                trained.expected_matches,
                match trained.expected_related {
                    0 => String::new(),
                    pairs => format!(" and {pairs} of related ones"),
                },
                trained.rounds,
                if trained.converged { "" } else { "; the estimate had not settled" }
            );
        }
        text
    }
}

fn line(level: &Level) -> String {
    let bits = (level.bits.abs() + 500) / 1_000;
    let mark = if level.bits < 0 { "-" } else { "+" };
    let bar = mark.repeat(bits.min(20) as usize);
    let related = level.related.map_or_else(String::new, |related| format!("{:>12}", percent(related.r)));
    format!(
        "  {:<30}{bar:<20}{:>8}{:>12}{:>12}{related}",
        words(level.when),
        signed(level.bits),
        percent(level.m),
        percent(level.u)
    )
}

/// What a condition means, in words.
pub fn words(test: Test) -> String {
    match test {
        Test::Exact => "equal".into(),
        Test::Nickname => "forms of one name".into(),
        Test::JaroWinkler(share) => format!("alike by {share} (Jaro–Winkler)"),
        Test::Edits(1) => "one letter off".into(),
        Test::Edits(count) => format!("{count} letters off"),
        Test::Alike(share) => format!("{} of letters kept", whole_percent(share)),
        Test::Words(share) => format!("{} of words shared", whole_percent(share)),
        Test::Start(1) => "one is the other's initial".into(),
        Test::Start(_) => "one is the other's start".into(),
        Test::SameDigits => "same digits".into(),
        Test::SameLocalPart => "same before the @".into(),
        Test::LocalPartAlike(share) => format!("before the @ {} kept", whole_percent(share)),
        Test::SameEnd(count) => format!("last {count} equal"),
        Test::SameStart(count) => format!("first {count} equal"),
        Test::DayMonthSwapped => "day and month swapped".into(),
        Test::TwoParts => "two of year, month, day equal".into(),
        Test::WithinDays(days) => format!("at most {days} days apart"),
        Test::Swapped => "given and family name swapped".into(),
        Test::Else => "different".into(),
    }
}

/// What was found by a condition that holds of two values, as exactly as it can be measured.
pub fn measured(test: Test, a: &str, b: &str) -> String {
    words(match test {
        Test::JaroWinkler(_) => Test::JaroWinkler((jaro_winkler(a, b) * 1_000.0).round() / 1_000.0),
        Test::Edits(_) => Test::Edits(edits(a, b)),
        Test::Alike(_) => {
            let longer = a.chars().count().max(b.chars().count()).max(1);
            Test::Alike(1.0 - f64::from(edits(a, b)) / longer as f64)
        }
        Test::Words(_) => Test::Words(shared_words(a, b)),
        other => other,
    })
}

/// Bits with a sign and two decimals, rounded half away from zero in whole numbers.
pub fn signed(millibits: i32) -> String {
    let hundredths = (millibits.unsigned_abs() + 5) / 10;
    let sign = if millibits < 0 && hundredths > 0 { '-' } else { '+' };
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}

fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent >= 10.0 => format!("{percent:.1} %"),
        percent if percent >= 0.01 => format!("{percent:.3} %"),
        percent => format!("{percent:.0e} %"),
    }
}

/// A count with commas.
pub fn grouped(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
