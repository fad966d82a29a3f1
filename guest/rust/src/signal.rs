//! Signals (spec 2.10): a context's imprint is its index in a table of MAX_CONTEXTS. A context either raises an event
//! that threads wait for, or calls a function on the entrypoint, once a batch.
use crate::abi::{kernel_ep_wakeup, pd, Error};
use crate::env::{env, retry};
use crate::sync::{Event, Mutex};

pub const MAX_CONTEXTS: usize = 64;

#[derive(Clone, Copy)]
enum Target {
    Free,
    Event(&'static Event),
    Handler(fn(u32)),
}

static LOCK: Mutex = Mutex::new();
static mut TARGETS: [Target; MAX_CONTEXTS] = [Target::Free; MAX_CONTEXTS];
static mut PENDING: [u32; MAX_CONTEXTS] = [0; MAX_CONTEXTS];
/// Where the entrypoint looks first: behind the context that it served last.
static mut TURN: usize = 0;

fn allocate(target: Target) -> Result<u32, Error> {
    let index = LOCK.with(|| unsafe {
        let index = TARGETS.iter().position(|target| matches!(target, Target::Free))?;
        TARGETS[index] = target;
        PENDING[index] = 0;
        Some(index)
    });
    let index = index.ok_or(Error::OutOfCaps)?;
    retry(4096, 4, || pd::alloc_context(env().pd, env().source, index as u32))
}

/// A context whose signals raise an event; its capability.
pub fn event_context(event: &'static Event) -> Result<u32, Error> {
    allocate(Target::Event(event))
}

/// A context whose signals call a function on the entrypoint, with the number of submissions; its capability.
pub fn handler_context(handler: fn(u32)) -> Result<u32, Error> {
    allocate(Target::Handler(handler))
}

/// Never blocks.
pub fn submit(context: u32, count: u32) {
    let _ = pd::submit(env().pd, context, count);
}

/// On the thread "signal handler".
pub(crate) fn deliver(imprint: u32, count: u32) {
    let target = LOCK.with(|| unsafe {
        let index = imprint as usize % MAX_CONTEXTS;
        PENDING[index] += count;
        TARGETS[index]
    });
    match target {
        Target::Event(event) => event.raise(),
        Target::Handler(_) => unsafe { kernel_ep_wakeup(env().ep) },
        Target::Free => {}
    }
}

/// On the entrypoint: calls the handler of one pending context, and asks to be woken again if there are more.
pub(crate) fn dispatch_one() {
    let (found, more) = LOCK.with(|| unsafe {
        let mut found = None;
        let mut more = false;
        for step in 0..MAX_CONTEXTS {
            let index = (TURN + step) % MAX_CONTEXTS;
            if let (Target::Handler(handler), 1..) = (TARGETS[index], PENDING[index]) {
                if found.is_some() {
                    more = true;
                    break;
                }
                found = Some((index, handler, PENDING[index]));
            }
        }
        if let Some((index, _, _)) = found {
            PENDING[index] = 0;
            TURN = index + 1;
        }
        (found, more)
    });
    if more {
        unsafe { kernel_ep_wakeup(env().ep) };
    }
    if let Some((_, handler, count)) = found {
        handler(count);
    }
}
