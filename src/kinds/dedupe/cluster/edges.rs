//! A reason to hold two records for one, and which reason is the stronger.

use std::cmp::Reverse;

/// The rule of pairs that somebody declared to be one; stronger than every other.
pub const MUST_LINK: u16 = u16::MAX;

/// Two records that a rule holds for one; 16 bytes.
///
/// Edges are ordered strongest first: must-links, then rules in the order of their declaration, then
/// greater weights, then smaller ordinals. The order is total: edges that are neither stronger nor
/// weaker are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The smaller ordinal.
    pub a: u32,
    /// The greater ordinal.
    pub b: u32,
    /// The position of the rule under `match:`, 0 the strongest, or [`MUST_LINK`].
    pub rule: u16,
    /// log2 of the odds that the two are one, in thousandths; 0 where a rule does not weigh.
    pub weight_millibits: i32,
}

impl Edge {
    /// An edge of a rule between two records, named in either order.
    pub fn new(a: u32, b: u32, rule: u16, weight_millibits: i32) -> Self {
        Self { a: a.min(b), b: a.max(b), rule, weight_millibits }
    }

    /// An edge that somebody declared.
    pub fn must_link(a: u32, b: u32) -> Self {
        Self::new(a, b, MUST_LINK, 0)
    }

    /// Whether somebody declared it.
    pub fn is_must_link(&self) -> bool {
        self.rule == MUST_LINK
    }

    /// The place of its rule among all, must-links first.
    pub(super) fn rank(&self) -> u16 {
        self.rule.wrapping_add(1)
    }

    fn strength(&self) -> (u16, Reverse<i32>, u32, u32) {
        (self.rank(), Reverse(self.weight_millibits), self.a, self.b)
    }
}

impl Ord for Edge {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.strength().cmp(&other.strength())
    }
}

impl PartialOrd for Edge {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
