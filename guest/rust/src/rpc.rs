//! RPC objects that the component's entrypoint serves, found by their slot.
use crate::abi::{pd, Error};
use crate::env::{env, retry};
use crate::message::{Cursor, Message};
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

/// A request while it is served.
pub struct Request<'a> {
    message: &'a mut Message,
    at: usize,
}

impl<'a> Request<'a> {
    /// The arguments, word by word; 0 beyond their end.
    pub fn u32(&mut self) -> u32 {
        let at = self.at;
        self.at += 4;
        let end = (self.message.bytes as usize).min(self.message.data.len());
        if at + 4 > end {
            return 0;
        }
        let data = &self.message.data;
        u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
    }
    /// Begins a successful reply.
    pub fn results(&mut self) -> Cursor {
        let mut cursor = Cursor::writing(self.message);
        cursor.put_u32(0);
        cursor
    }
}

static LOCK: Mutex = Mutex::new();
static mut OBJECTS: [Option<(u32, &'static dyn Object)>; MAX_OBJECTS] = [None; MAX_OBJECTS];

/// Makes a capability for an object of the entrypoint.
pub fn manage(object: &'static dyn Object) -> Result<u32, Error> {
    let slot = retry(4096, 4, || pd::alloc_rpc_cap(env().pd, env().ep))?;
    LOCK.with(|| unsafe {
        let free = OBJECTS.iter_mut().find(|entry| entry.is_none()).ok_or(Error::OutOfCaps)?;
        *free = Some((slot, object));
        Ok(slot)
    })
}

pub(crate) fn dispatch(message: &mut Message, slot: u32, opcode: u32) -> u32 {
    let found = LOCK.with(|| unsafe { OBJECTS.iter().flatten().find(|entry| entry.0 == slot).copied() });
    let (_, object) = match found {
        Some(found) => found,
        None => return Error::InvalidObject as u32,
    };
    let reply = object.dispatch(opcode, &mut Request { message, at: 0 });
    match reply {
        Reply::Done => 0,
        Reply::Failed(index) => {
            Cursor::writing(message).put_u32(1 + index);
            0
        }
        Reply::InvalidOpcode => Error::InvalidOpcode as u32,
    }
}
