//! Identifiers that look like those of the systems.

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// An identifier of Salesforce: 15 characters and 3 that spell out their capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SfId([u8; 18]);

impl SfId {
    /// The `number`th record of the object with this three-letter key prefix.
    pub(super) fn new(prefix: &[u8; 3], number: u64) -> Self {
        let mut id = [b'0'; 18];
        let mut left = number;
        for (place, byte) in id.iter_mut().enumerate().take(15).rev() {
            *byte = match place {
                0..3 => prefix[place],
                // The middle names the instance.
                3 => b'D',
                4 => b'n',
                _ => {
                    let digit = left % 62;
                    left /= 62;
                    BASE62[digit as usize]
                }
            };
        }
        let (short, check) = id.split_at_mut(15);
        for (check, group) in check.iter_mut().zip(short.chunks(5)) {
            *check = capitals(group);
        }
        Self(id)
    }

    /// All 18 characters.
    pub(super) fn as_str(&self) -> &str {
        // Only ASCII was written.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first 15, as in reports and old exports.
    pub(super) fn short(&self) -> &str {
        self.as_str().get(..15).unwrap_or_default()
    }
}

/// The character that spells out which of five characters are capitals.
pub(super) fn capitals(group: &[u8]) -> u8 {
    let upper = |(place, byte): (usize, &u8)| usize::from(byte.is_ascii_uppercase()) << place;
    CHECK[group.iter().take(5).enumerate().map(upper).sum::<usize>()]
}

/// A random UUID, version 4, from 128 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uuid([u8; 36]);

impl Uuid {
    /// Spells out the bits.
    pub(super) fn new(high: u64, low: u64) -> Self {
        let bits = (u128::from(high) << 64 | u128::from(low)) & !(0xf << 76) | 0x4 << 76;
        let bits = bits & !(0x3 << 62) | 0x2 << 62;
        let mut text = [b'-'; 36];
        let mut shift = 128;
        for (place, byte) in text.iter_mut().enumerate() {
            if !matches!(place, 8 | 13 | 18 | 23) {
                shift -= 4;
                *byte = HEX[(bits >> shift & 0xf) as usize];
            }
        }
        Self(text)
    }

    /// `xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx`.
    pub(super) fn as_str(&self) -> &str {
        // Only ASCII was written.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Appends `length` characters from the URL-safe alphabet, six bits each, from a stream of bits.
pub(super) fn push_token(text: &mut String, length: usize, mut bits: impl FnMut() -> u64) {
    let mut left = 0_u64;
    for place in 0..length {
        if place.is_multiple_of(10) {
            left = bits();
        }
        let digit = (left & 63) as usize;
        left >>= 6;
        text.push(match digit {
            62 => '-',
            63 => '_',
            _ => char::from(BASE62[digit]),
        });
    }
}
