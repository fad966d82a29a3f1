//! RPC objects that the component's entrypoint serves, found by their slot; clients call with a `message::Call`.
use crate::abi::{kernel_cap_release, pd, Error};
use crate::env::{env, retry};
use crate::message::{Cursor, Message, Text};
use crate::sync::Mutex;

pub const MAX_OBJECTS: usize = 64;

/// What a dispatch answers.
pub enum Reply {
    /// The reply has been written.
    Done,
    /// A declared error, by its index.
    Failed(u32),
    InvalidOpcode,
}

/// Something that other components call.
pub trait Object: Sync {
    /// Reads arguments from `request`; results are written by `results`, which begins to overwrite them.
    fn dispatch(&self, opcode: u32, request: &mut Request) -> Reply;
}

/// A request while it is served. What is missing is 0 or empty, and makes the request bad as a whole.
pub struct Request<'a> {
    cursor: Cursor<'a>,
    replied: bool,
}

impl<'a> Request<'a> {
    fn new(message: &'a mut Message) -> Request<'a> {
        Request { cursor: Cursor::reading(message), replied: false }
    }
    pub fn u32(&mut self) -> u32 {
        self.cursor.get_u32()
    }
    pub fn u64(&mut self) -> u64 {
        self.cursor.get_u64()
    }
    /// A text or bytes, cut at 256.
    pub fn text(&mut self) -> Text {
        self.cursor.get_text()
    }
    /// A capability; the caller owns the reference.
    pub fn slot(&mut self) -> u32 {
        self.cursor.get_slot()
    }
    /// An argument was missing: the request is not what its opcode says.
    pub fn bad(&self) -> bool {
        self.cursor.bad
    }
    /// Begins a successful reply: no argument can be read any more. Capabilities that nobody took are given back.
    pub fn results(&mut self) -> &mut Cursor<'a> {
        self.reply(0)
    }
    fn reply(&mut self, outcome: u32) -> &mut Cursor<'a> {
        if !self.replied {
            self.cursor.release_rest();
        }
        self.replied = true;
        self.cursor.rewrite();
        self.cursor.put_u32(outcome);
        &mut self.cursor
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if !self.replied {
            self.cursor.release_rest();
        }
    }
}

static LOCK: Mutex = Mutex::new();
static mut OBJECTS: [Option<(u32, &'static dyn Object)>; MAX_OBJECTS] = [None; MAX_OBJECTS];

/// Makes a capability for an object of the entrypoint.
pub fn manage(object: &'static dyn Object) -> Result<u32, Error> {
    let slot = retry(4096, 4, || pd::alloc_rpc_cap(env().pd, env().ep))?;
    let placed = LOCK.with(|| unsafe {
        let free = OBJECTS.iter_mut().find(|entry| entry.is_none());
        free.map(|entry| *entry = Some((slot, object))).is_some()
    });
    if placed {
        return Ok(slot);
    }
    dissolve(slot);
    Err(Error::OutOfCaps)
}

/// Ends an object's capability; calls of it are refused from now on.
pub fn dissolve(slot: u32) {
    LOCK.with(|| unsafe {
        for entry in OBJECTS.iter_mut() {
            if matches!(entry, Some((other, _)) if *other == slot) {
                *entry = None;
            }
        }
    });
    let _ = pd::free_rpc_cap(env().pd, slot);
    unsafe { kernel_cap_release(slot) };
}

pub(crate) fn dispatch(message: &mut Message, slot: u32, opcode: u32) -> u32 {
    let found = LOCK.with(|| unsafe { OBJECTS.iter().flatten().find(|entry| entry.0 == slot).copied() });
    let mut request = Request::new(message);
    let (_, object) = match found {
        Some(found) => found,
        None => return Error::InvalidObject as u32,
    };
    match object.dispatch(opcode, &mut request) {
        _ if request.bad() => Error::BadMessage as u32,
        Reply::Done => 0,
        Reply::Failed(index) => {
            request.reply(1 + index);
            0
        }
        Reply::InvalidOpcode => Error::InvalidOpcode as u32,
    }
}
