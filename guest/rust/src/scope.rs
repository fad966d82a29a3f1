//! Scopes: how long named pieces of a component's work take.
//!
//! ```
//! { let _scope = Scope::new("parse", Color::Blue); parse(); }
//! ```
//!
//! While nobody records, a scope is one test of a word.
use crate::abi::{kernel_scope_begin, kernel_scope_end};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Not 0 while scopes are recorded; the kernel writes it.
#[no_mangle]
#[allow(non_upper_case_globals)]
pub static rtcr_profiling: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Copy)]
pub enum Color {
    Red,
    Blue,
    Violet,
    Green,
    Gray,
}

/// Measured from its making to its drop, by one thread.
pub struct Scope(u32);

impl Scope {
    /// At most 64 bytes of the name are kept.
    #[inline]
    pub fn new(name: &'static str, color: Color) -> Scope {
        if rtcr_profiling.load(Relaxed) == 0 {
            return Scope(0);
        }
        Scope(unsafe { kernel_scope_begin(name.as_ptr() as usize, name.len() as u32, color as u32) })
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        if self.0 != 0 {
            unsafe { kernel_scope_end(self.0) };
        }
    }
}
