//! Bytes on their way to the store, in pieces.
//!
//! A buffer that grows with a row group is mapped anew whenever it doubles, and every page of it costs a
//! fault. Pieces are small enough to lie in memory that the allocator has used before.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};

/// Half of what the allocator maps on its own; see `engine::heap`.
const PIECE_BYTES: usize = 512 << 10;

/// A buffer to write to.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl Pieces {
    /// What was written.
    pub(super) fn into_bytes(self) -> Vec<Bytes> {
        let Self { mut full, last } = self;
        if !last.is_empty() {
            full.push(last.into());
        }
        full
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The first piece grows as it must: most buffers never fill it.
        if self.last.is_empty() && !self.full.is_empty() {
            self.last.reserve_exact(PIECE_BYTES);
        }
        let taken = bytes.len().min(PIECE_BYTES - self.last.len());
        let (now, _) = bytes.split_at(taken);
        self.last.extend_from_slice(now);
        if self.last.len() == PIECE_BYTES {
            self.full.push(std::mem::take(&mut self.last).into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A finished column chunk, to be read once more into its file.
#[derive(Debug, Clone)]
pub(super) struct Chunk(pub(super) Vec<Bytes>);

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }
}

impl ChunkReader for Chunk {
    type T = ReadPieces;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let mut read = ReadPieces { rest: self.0.clone().into_iter(), open: Bytes::new() };
        io::copy(&mut (&mut read).take(start), &mut io::sink())?;
        Ok(read)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads pieces one after the other.
#[derive(Debug)]
pub(super) struct ReadPieces {
    rest: std::vec::IntoIter<Bytes>,
    open: Bytes,
}

impl Read for ReadPieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.open.is_empty() {
            match self.rest.next() {
                Some(piece) => self.open = piece,
                None => return Ok(0),
            }
        }
        let taken = buf.len().min(self.open.len());
        let (now, _) = buf.split_at_mut(taken);
        self.open.copy_to_slice(now);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_from_anywhere() {
        let bytes: Vec<u8> = (0..3 * PIECE_BYTES + 5).map(|at| ((at * 31) >> 4) as u8).collect();
        for step in [1_000, PIECE_BYTES, PIECE_BYTES + 1, bytes.len()] {
            let mut pieces = Pieces::default();
            bytes.chunks(step).for_each(|part| pieces.write_all(part).unwrap());
            let pieces = pieces.into_bytes();
            assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, 5]);
            let chunk = Chunk(pieces);
            assert_eq!(chunk.len(), bytes.len() as u64);
            for start in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, bytes.len() - 3] {
                let mut read = Vec::new();
                chunk.get_read(start as u64).unwrap().read_to_end(&mut read).unwrap();
                assert!(read == bytes[start..], "from {start}");
                assert_eq!(chunk.get_bytes(start as u64, 3).unwrap(), bytes[start..start + 3]);
            }
            assert!(chunk.get_bytes(bytes.len() as u64 - 1, 2).is_err());
        }
    }

    #[test]
    fn nothing_written_is_no_piece() {
        assert!(Pieces::default().into_bytes().is_empty());
        assert_eq!(Chunk(Vec::new()).get_read(0).unwrap().read(&mut [0; 4]).unwrap(), 0);
    }
}
