//! Work once for each distinct value of a batch.

/// Remembers, for the values seen last, one number for each version.
///
/// A table of fixed size in which each value has one slot; a value that finds another in its slot
/// takes its place. So memory is bounded whatever the values are, and the few dozen values that
/// status fields have are worked out once.
pub(super) struct Memo<'a, F> {
    slots: Vec<Option<(&'a str, usize)>>,
    nothing: Option<usize>,
    numbers: Vec<i32>,
    work: F,
}

const SLOTS: usize = 512;
/// Numbers kept before all is forgotten.
const MAX_NUMBERS: usize = 1 << 16;

impl<'a, F: Fn(Option<&str>, &mut Vec<i32>)> Memo<'a, F> {
    /// `work` appends a value's numbers, one for each version.
    pub(super) fn new(work: F) -> Self {
        Self { slots: vec![None; SLOTS], nothing: None, numbers: Vec::new(), work }
    }

    /// The number of a value in a version; 0 in a version that `work` says nothing of.
    pub(super) fn get(&mut self, value: Option<&'a str>, version: usize) -> i32 {
        let start = match value {
            None => self.nothing,
            Some(text) => {
                self.slots.get(slot(text)).copied().flatten().filter(|(known, _)| *known == text).map(|s| s.1)
            }
        };
        let start = start.unwrap_or_else(|| self.learn(value));
        self.numbers.get(start + version).copied().unwrap_or(0)
    }

    fn learn(&mut self, value: Option<&'a str>) -> usize {
        if self.numbers.len() > MAX_NUMBERS {
            self.slots.fill(None);
            self.nothing = None;
            self.numbers.clear();
        }
        let start = self.numbers.len();
        (self.work)(value, &mut self.numbers);
        match value {
            None => self.nothing = Some(start),
            Some(text) => {
                if let Some(slot) = self.slots.get_mut(slot(text)) {
                    *slot = Some((text, start));
                }
            }
        }
        start
    }
}

/// Length and both ends tell most values of a status field apart.
fn slot(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (head, tail) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => (bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)), 0),
    };
    let mixed = (head ^ tail.rotate_left(23) ^ bytes.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn works_once_for_each_value_and_never_mixes_them_up() {
        let values: Vec<String> = (0..40).map(|n| format!("stage number {n}")).collect();
        let calls = Cell::new(0);
        let work = |value: Option<&str>, numbers: &mut Vec<i32>| {
            calls.set(calls.get() + 1);
            let length = value.map_or(-1, |value| value.len() as i32);
            numbers.extend([length, length * 2]);
        };
        let mut memo = Memo::new(work);
        for _ in 0..100 {
            for value in &values {
                assert_eq!(memo.get(Some(value), 0), value.len() as i32);
                assert_eq!(memo.get(Some(value), 1), value.len() as i32 * 2);
            }
            assert_eq!(memo.get(None, 0), -1);
        }
        assert!(calls.get() < 2_000, "{} calls", calls.get());
    }

    #[test]
    fn forgets_rather_than_grows() {
        let values: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
        let mut memo = Memo::new(|value: Option<&str>, numbers: &mut Vec<i32>| {
            numbers.push(value.map_or(0, |v| v.parse().unwrap()))
        });
        for (n, value) in values.iter().enumerate() {
            assert_eq!(memo.get(Some(value), 0), n as i32);
        }
        assert!(memo.numbers.len() <= MAX_NUMBERS + 1);
    }
}
