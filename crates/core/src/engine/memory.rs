//! The run's memory: shared fairly, and with room for whoever has nothing yet.
//!
//! Operators that can spill get equal shares of what those that cannot leave. Under a small limit a plan
//! of many operators makes shares smaller than a single batch, though most of them hold nothing. To
//! refuse a batch to an operator that holds others makes it spill; to refuse it to one that holds none
//! ends the run, since it has nothing to spill. So its first batch is granted where the pool has room.

use std::fmt;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// One part in so many stays free for operators that cannot spill.
const KEPT_FREE: usize = 8;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Shares {
    fair: FairSpillPool,
    most_bytes: usize,
}

impl Shares {
    pub(super) fn new(bytes: usize) -> Self {
        Self { fair: FairSpillPool::new(bytes), most_bytes: bytes - bytes / KEPT_FREE }
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fair.fmt(f)
    }
}

impl MemoryPool for Shares {
    fn name(&self) -> &str {
        "shares"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.fair.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.fair.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.fair.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.fair.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let refused = match self.fair.try_grow(reservation, additional) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        let is_first = reservation.consumer().can_spill() && reservation.size() == 0;
        // Two that ask at once may both be granted the same room: one batch too many is no harm.
        if !is_first || self.reserved().saturating_add(additional) > self.most_bytes {
            return Err(refused);
        }
        self.fair.grow(reservation, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.fair.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.fair.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn who_holds_nothing_gets_a_first_batch_while_there_is_room() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Shares::new(800));
        let spills = |name: &str| MemoryConsumer::new(name).with_can_spill(true).register(&pool);
        let (sorts, fixed) = ([(); 8].map(|()| spills("sort")), MemoryConsumer::new("walk").register(&pool));
        let [first, second, third, ..] = &sorts;
        first.try_grow(300).unwrap();
        first.try_grow(1).unwrap_err();
        second.try_grow(400).unwrap();
        // An eighth is kept for those that cannot spill, and for the shares of the others.
        third.try_grow(101).unwrap_err();
        third.try_grow(90).unwrap();
        third.try_grow(20).unwrap_err();
        fixed.try_grow(20).unwrap_err();
        fixed.try_grow(10).unwrap();
        second.free();
        second.try_grow(300).unwrap();
        assert_eq!(pool.reserved(), 300 + 90 + 10 + 300);
    }
}
