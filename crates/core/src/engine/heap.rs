//! What the process keeps of the memory that it has freed.
//!
//! glibc's allocator makes up to eight arenas a core, raises by itself the size from which it maps a
//! request of its own, and returns only what is free at an arena's end. After a few models of a million
//! people it held half as much again as was in use. Other allocators are left to their own ways.

use std::num::NonZeroUsize;

/// Requests from this size on are mapped on their own, and so given back as soon as they are freed. A
/// smaller limit costs faults for every batch: at 128 KiB they took a tenth of a run's time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_FROM_BYTES: i32 = 1 << 20;
/// So much may lie free at an arena's end.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const FREE_AT_END_BYTES: i32 = 64 << 20;

/// Has the allocator work with one arena a thread. To be called before threads start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the standard library has no door to the allocator's settings")]
pub fn tidy(threads: NonZeroUsize) {
    let arenas = i32::try_from(threads.get()).unwrap_or(i32::MAX);
    let settings = [
        (libc::M_ARENA_MAX, arenas),
        (libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES),
        (libc::M_TRIM_THRESHOLD, FREE_AT_END_BYTES),
    ];
    for (setting, value) in settings {
        // SAFETY: takes two numbers and keeps them; one that it does not know it refuses, to no harm.
        unsafe { libc::mallopt(setting, value) };
    }
}

/// Gives back to the system what is free anywhere in the heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the standard library has no door to the allocator")]
pub fn give_back() {
    // SAFETY: takes the allocator's own locks and touches only pages that nobody holds.
    unsafe { libc::malloc_trim(0) };
}

/// Nothing to set here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn tidy(_threads: NonZeroUsize) {}

/// Nothing to do here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
