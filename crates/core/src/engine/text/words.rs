//! Measures of similarity for ASCII texts of at most 64 characters, a machine word at a time.
//!
//! A table says for each character where it stands in one text, as bits; a step then treats all
//! positions at once. Nearly every name and key takes this way. Where a text is too long there is
//! no answer, and [`super::similar`] asks `strsim`.

/// Where each character stands in a text of at most 64.
struct Places([u64; 128]);

impl Places {
    fn of(text: &[u8]) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        let mut places = Self([0; 128]);
        for (at, byte) in text.iter().enumerate() {
            if let Some(bits) = places.0.get_mut(usize::from(*byte)) {
                *bits |= 1 << at;
            }
        }
        Some(places)
    }

    fn of_byte(&self, byte: u8) -> u64 {
        self.0.get(usize::from(byte)).copied().unwrap_or(0)
    }
}

/// Bits `low..high`, both at most 64.
fn between(low: usize, high: usize) -> u64 {
    let below = |bits: usize| if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    below(high) & !below(low)
}

/// Jaro similarity of two ASCII texts that are not empty; none where one is longer than 64.
pub(super) fn jaro(a: &[u8], b: &[u8]) -> Option<f64> {
    if a.len() > 64 {
        return None;
    }
    let places = Places::of(b)?;
    let range = (a.len().max(b.len()) / 2).saturating_sub(1);
    let (mut hits_b, mut matched, mut matches) = (0_u64, [0_u8; 64], 0_u32);
    for (at, byte) in a.iter().enumerate() {
        let free = places.of_byte(*byte) & !hits_b & between(at.saturating_sub(range), (at + range + 1).min(64));
        if free != 0 {
            // The lowest free place, as the definition takes the first that agrees.
            hits_b |= free & free.wrapping_neg();
            if let Some(slot) = matched.get_mut(matches as usize) {
                *slot = *byte;
            }
            matches += 1;
        }
    }
    if matches == 0 {
        return Some(0.0);
    }
    let mut moved = 0;
    for byte in matched.iter().take(matches as usize) {
        let at = hits_b.trailing_zeros() as usize;
        moved += u32::from(b.get(at) != Some(byte));
        hits_b &= hits_b.wrapping_sub(1);
    }
    let matched = f64::from(matches);
    let in_order = matched - f64::from(moved / 2);
    Some((matched / a.len() as f64 + matched / b.len() as f64 + in_order / matched) / 3.0)
}

/// Optimal string alignment of two ASCII texts, by the bit-parallel algorithm of H. Hyyrö (2003); none
/// where `a` is empty or longer than 64.
pub(super) fn alignment(a: &[u8], b: &[u8]) -> Option<u32> {
    let top = a.len().checked_sub(1)?;
    let places = Places::of(a)?;
    let (mut vp, mut vn, mut d0, mut before) = (u64::MAX, 0_u64, 0_u64, 0_u64);
    let mut score = a.len() as u32;
    for byte in b {
        let equal = places.of_byte(*byte);
        let swapped = ((!d0 & equal) << 1) & before;
        d0 = ((equal & vp).wrapping_add(vp) ^ vp) | equal | vn | swapped;
        let hp = vn | !(d0 | vp);
        let hn = d0 & vp;
        score = score + (hp >> top & 1) as u32 - (hn >> top & 1) as u32;
        let carried = hp << 1 | 1;
        vp = hn << 1 | !(d0 | carried);
        vn = carried & d0;
        before = equal;
    }
    Some(score)
}

/// Levenshtein distance of two ASCII texts; none where `a` is empty or longer than 64. The rows of
/// the table are bit vectors of their differences (Myers 1999, in the form of Hyyrö 2003).
pub(super) fn levenshtein(a: &[u8], b: &[u8]) -> Option<usize> {
    let last = a.len().checked_sub(1)?;
    let places = Places::of(a)?;
    let (mut up, mut down, mut distance) = (u64::MAX, 0u64, a.len());
    for byte in b {
        let equal = places.of_byte(*byte);
        let across = (((equal & up).wrapping_add(up)) ^ up) | equal | down;
        let mut rise = down | !(across | up);
        let mut fall = up & across;
        distance += usize::from(rise >> last & 1 == 1);
        distance -= usize::from(fall >> last & 1 == 1);
        rise = rise << 1 | 1;
        fall <<= 1;
        up = fall | !((equal | down) | rise);
        down = rise & (equal | down);
    }
    Some(distance)
}
