//! Waiting and waking between the threads of a component, over futexes.
use crate::abi::{kernel_futex_wait, kernel_futex_wake};
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// A number that only grows; threads wait until it is another one.
pub struct Event(AtomicU32);

impl Event {
    pub const fn new() -> Event {
        Event(AtomicU32::new(0))
    }
    pub fn count(&self) -> u32 {
        self.0.load(SeqCst)
    }
    pub fn raise(&self) {
        self.0.fetch_add(1, SeqCst);
        unsafe { kernel_futex_wake(&self.0 as *const AtomicU32 as usize, u32::MAX) };
    }
    /// Blocks until the count differs from `seen`, for a millisecond at most.
    pub(crate) fn wait_a_moment(&self, seen: u32) {
        unsafe { kernel_futex_wait(&self.0 as *const AtomicU32 as usize, seen, 1_000_000) };
    }
    /// Blocks until the count differs from `seen`.
    pub fn wait(&self, seen: u32) {
        while self.count() == seen {
            unsafe { kernel_futex_wait(&self.0 as *const AtomicU32 as usize, seen, -1) };
        }
    }
}

pub struct Mutex(AtomicU32);

impl Mutex {
    pub const fn new() -> Mutex {
        Mutex(AtomicU32::new(0))
    }
    /// Runs `body` while nobody else runs one under this mutex.
    pub fn with<R>(&self, body: impl FnOnce() -> R) -> R {
        if self.0.compare_exchange(0, 1, SeqCst, SeqCst).is_err() {
            while self.0.swap(2, SeqCst) != 0 {
                unsafe { kernel_futex_wait(&self.0 as *const AtomicU32 as usize, 2, -1) };
            }
        }
        let result = body();
        if self.0.swap(0, SeqCst) == 2 {
            unsafe { kernel_futex_wake(&self.0 as *const AtomicU32 as usize, 1) };
        }
        result
    }
}
