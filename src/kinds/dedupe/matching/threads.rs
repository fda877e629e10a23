//! Work over many chunks, shared out over threads, with answers in the order of the chunks.

use std::sync::mpsc;

use crate::error::{Error, Result};

/// How many finished chunks may wait for the one whose turn it is; bounds what is held.
const AHEAD: usize = 16;

/// Calls `work` with 0, 1, … `chunks` on up to `threads` threads, and `take` with the answers in
/// that very order on the calling thread. The answers that `take` sees do not depend on `threads`.
pub fn in_order<T, W, K>(chunks: usize, threads: usize, work: W, mut take: K) -> Result<()>
where
    T: Send,
    W: Fn(usize) -> T + Sync,
    K: FnMut(T) -> Result<()>,
{
    let threads = threads.clamp(1, chunks.max(1));
    if threads == 1 {
        return (0..chunks).try_for_each(|chunk| take(work(chunk)));
    }
    std::thread::scope(|scope| {
        let receivers: Vec<mpsc::Receiver<T>> = (0..threads)
            .map(|thread| {
                // Chunks are dealt round the table, so that the next answer's place is known.
                let (sender, receiver) = mpsc::sync_channel(AHEAD / threads + 1);
                let work = &work;
                scope.spawn(move || {
                    for chunk in (thread..chunks).step_by(threads) {
                        // The taker has left: it failed, and nobody waits for the rest.
                        if sender.send(work(chunk)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        for chunk in 0..chunks {
            let answer = receivers.get(chunk % threads).and_then(|receiver| receiver.recv().ok());
            take(answer.ok_or_else(|| Error::internal("a matching thread ended early"))?)?;
        }
        Ok(())
    })
}
