//! Small numbers as Parquet's hybrid of runs and packed bits.
//!
//! ```text
//! run     varint(length << 1)            the number, in as many whole bytes as its width needs
//! packed  varint((values / 8) << 1 | 1)  the numbers, lowest bits first, eight to a group
//! ```

/// A run shorter than this is packed with its neighbours.
const LEAST_RUN: usize = 24;

/// How many bits the numbers below `count` need.
pub(super) fn width(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

/// Appends numbers of at most `width` bits.
pub(super) fn encode(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut rest = numbers;
    let mut packed = 0;
    while let Some(tail) = rest.get(packed..).filter(|tail| !tail.is_empty()) {
        let run = run_length(tail);
        // Packed numbers come in groups of eight; a run gives of its own what the last one lacks.
        let lent = packed.next_multiple_of(8) - packed;
        if run < lent + LEAST_RUN && (width > 0 || run < tail.len()) {
            packed += run;
            continue;
        }
        let (head, after) = rest.split_at((packed + lent).min(rest.len()));
        pack(head, width, out);
        let run = (run - lent.min(run)).min(after.len());
        if let Some(number) = after.first().filter(|_| run > 0) {
            varint((run as u64) << 1, out);
            out.extend_from_slice(number.to_le_bytes().get(..width.div_ceil(8) as usize).unwrap_or_default());
        }
        rest = after.get(run..).unwrap_or_default();
        packed = 0;
    }
    pack(rest, width, out);
}

/// Appends which rows have a value, given as a bitmap whose last byte is filled with zeros.
pub(super) fn encode_bitmap(bitmap: &[u8], out: &mut Vec<u8>) {
    varint((bitmap.len() as u64) << 1 | 1, out);
    out.extend_from_slice(bitmap);
}

/// Appends that all of `rows` have a value, or none has.
pub(super) fn encode_uniform(rows: usize, valid: bool, out: &mut Vec<u8>) {
    varint((rows as u64) << 1, out);
    out.push(u8::from(valid));
}

fn run_length(numbers: &[u32]) -> usize {
    let first = numbers.first();
    numbers.iter().take_while(|number| Some(*number) == first).count()
}

fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    out.reserve(groups * width as usize);
    let (mut bits, mut held) = (0_u64, 0_u32);
    let filling = std::iter::repeat_n(&0, groups * 8 - numbers.len());
    for number in numbers.iter().chain(filling) {
        bits |= u64::from(*number) << held;
        held += width;
        if held >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            held -= 32;
        }
    }
    // Eight numbers fill whole bytes, so what is left does too.
    let left = bits.to_le_bytes();
    out.extend_from_slice(left.get(..(held / 8) as usize).unwrap_or_default());
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// As the format's documentation reads: a number at a time.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let mut header = 0_u64;
            for shift in (0..).step_by(7) {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            let length = (header >> 1) as usize;
            if header & 1 == 0 {
                let size = width.div_ceil(8) as usize;
                let mut number = [0; 4];
                number[..size].copy_from_slice(&bytes[..size]);
                bytes = &bytes[size..];
                numbers.extend(std::iter::repeat_n(u32::from_le_bytes(number), length));
            } else {
                let bit = |at: usize| u32::from(bytes[at / 8] >> (at % 8) & 1);
                let number = |n: usize| (0..width as usize).fold(0, |sum, at| sum | bit(n * width as usize + at) << at);
                numbers.extend((0..length * 8).map(number));
                bytes = &bytes[length * width as usize..];
            }
        }
        assert!(bytes.is_empty(), "{} bytes left", bytes.len());
        assert!(numbers[count..].iter().all(|number| *number == 0));
        numbers.truncate(count);
        numbers
    }

    #[test]
    fn whatever_is_written_is_read() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for round in 0..2_000 {
            let width = rng.random_range(0..=20);
            let mut numbers = Vec::new();
            for _ in 0..rng.random_range(0..40) {
                let number = rng.random_range(0..1_u32 << width);
                let longest = if round % 2 == 0 { 3 } else { 90 };
                numbers.extend(std::iter::repeat_n(number, rng.random_range(1..=longest)));
            }
            let mut bytes = Vec::new();
            encode(&numbers, width, &mut bytes);
            assert_eq!(decode(&bytes, width, numbers.len()), numbers, "width {width}");
        }
    }

    #[test]
    fn one_value_costs_nothing_and_a_sorted_column_little() {
        let mut bytes = Vec::new();
        encode(&[0; 20_000], 0, &mut bytes);
        assert_eq!(bytes.len(), 3);
        bytes.clear();
        let sorted: Vec<u32> = (0..20_000).map(|row| row / 1_000).collect();
        encode(&sorted, 5, &mut bytes);
        assert!(bytes.len() <= 20 * 8, "{}", bytes.len());
    }

    #[test]
    fn widths_are_those_of_the_greatest_number() {
        let widths = [0, 1, 2, 3, 4, 5, 256, 257].map(width);
        assert_eq!(widths, [0, 0, 1, 2, 2, 3, 8, 9]);
    }
}
