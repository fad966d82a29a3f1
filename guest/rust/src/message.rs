//! One call: arguments into a message buffer, the call, results out of it.
use crate::abi::{kernel_call, kernel_cap_release, Error, MESSAGE_MAX_BYTES, MESSAGE_MAX_CAPABILITIES};

/// A message buffer, as the kernel reads it.
#[repr(C, align(4))]
pub struct Message {
    pub bytes: u32,
    pub capabilities: u32,
    pub slots: [u32; MESSAGE_MAX_CAPABILITIES as usize],
    pub data: [u8; MESSAGE_MAX_BYTES as usize],
}

impl Message {
    pub const fn new() -> Message {
        Message { bytes: 0, capabilities: 0, slots: [0; 8], data: [0; 1024] }
    }
}

/// A rectangle of CPUs; no width means "anywhere".
#[derive(Clone, Copy, Default)]
pub struct Location {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// A text of its own, cut at 256 bytes.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; 256],
    length: usize,
}

impl Text {
    pub const fn new() -> Text {
        Text { bytes: [0; 256], length: 0 }
    }
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.length < self.bytes.len() {
                self.bytes[self.length] = *byte;
                self.length += 1;
            }
        }
    }
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
    /// Empty if it was cut within a character.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }
}

impl core::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// Reads and writes a message in order. What does not fit makes the message bad as a whole; beyond the end there are zeros.
pub struct Cursor<'a> {
    message: &'a mut Message,
    at: usize,
    slot: usize,
    pub bad: bool,
}

impl<'a> Cursor<'a> {
    pub fn reading(message: &'a mut Message) -> Cursor<'a> {
        Cursor { message, at: 0, slot: 0, bad: false }
    }
    /// Goes over to writing in the same buffer: nothing can be read any more. Whether it is bad stays.
    pub(crate) fn rewrite(&mut self) {
        self.at = self.message.data.len();
        self.message.bytes = 0;
        self.message.capabilities = 0;
    }
    /// Gives back the capabilities that nobody took.
    pub(crate) fn release_rest(&mut self) {
        let count = (self.message.capabilities as usize).min(self.message.slots.len());
        for slot in &self.message.slots[self.slot.min(count)..count] {
            unsafe { kernel_cap_release(*slot) };
        }
        self.slot = self.message.slots.len();
    }
    fn room(&mut self, bytes: usize) -> Option<usize> {
        let at = (self.message.bytes as usize + 3) & !3;
        if at + bytes > self.message.data.len() {
            self.bad = true;
            return None;
        }
        self.message.bytes = (at + bytes) as u32;
        Some(at)
    }
    fn take(&mut self, bytes: usize) -> Option<usize> {
        let end = (self.message.bytes as usize).min(self.message.data.len());
        if self.at > end || bytes > end - self.at {
            self.bad = true;
            return None;
        }
        let at = self.at;
        self.at = (at + bytes + 3) & !3;
        Some(at)
    }
    pub fn put_u32(&mut self, value: u32) {
        if let Some(at) = self.room(4) {
            self.message.data[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
    }
    pub fn put_u64(&mut self, value: u64) {
        self.put_u32(value as u32);
        self.put_u32((value >> 32) as u32);
    }
    pub fn put_bytes(&mut self, value: &[u8]) {
        self.put_u32(value.len() as u32);
        if let Some(at) = self.room(value.len()) {
            self.message.data[at..at + value.len()].copy_from_slice(value);
        }
    }
    pub fn put_slot(&mut self, slot: u32) {
        let count = self.message.capabilities as usize;
        if count == self.message.slots.len() {
            self.bad = true;
            return;
        }
        self.message.slots[count] = slot;
        self.message.capabilities += 1;
    }
    pub fn get_u32(&mut self) -> u32 {
        match self.take(4) {
            Some(at) => u32::from_le_bytes([
                self.message.data[at],
                self.message.data[at + 1],
                self.message.data[at + 2],
                self.message.data[at + 3],
            ]),
            None => 0,
        }
    }
    pub fn get_u64(&mut self) -> u64 {
        let low = self.get_u32() as u64;
        low | (self.get_u32() as u64) << 32
    }
    pub fn get_text(&mut self) -> Text {
        let mut text = Text::new();
        let length = self.get_u32() as usize;
        if let Some(at) = self.take(length) {
            text.push(&self.message.data[at..at + length]);
        }
        text
    }
    /// The caller owns the reference.
    pub fn get_slot(&mut self) -> u32 {
        let count = (self.message.capabilities as usize).min(self.message.slots.len());
        if self.slot >= count {
            self.bad = true;
            return 0;
        }
        self.slot += 1;
        self.message.slots[self.slot - 1]
    }
}

/// A call with its message buffer; lives on the stack.
pub struct Call {
    message: Message,
    at: usize,
    slot: usize,
    bad: bool,
}

macro_rules! with_cursor {
    ($($name:ident($($arg:ident: $type:ty)?) $(-> $result:ty)?;)*) => { $(
        pub fn $name(&mut self $(, $arg: $type)?) $(-> $result)? {
            let mut cursor = Cursor { message: &mut self.message, at: self.at, slot: self.slot, bad: self.bad };
            let result = cursor.$name($($arg)?);
            let (at, slot, bad) = (cursor.at, cursor.slot, cursor.bad);
            self.at = at;
            self.slot = slot;
            self.bad = bad;
            result
        }
    )* };
}

impl Call {
    pub fn new() -> Call {
        Call { message: Message::new(), at: 0, slot: 0, bad: false }
    }
    with_cursor! {
        put_u32(value: u32);
        put_u64(value: u64);
        put_bytes(value: &[u8]);
        put_slot(slot: u32);
        get_u32() -> u32;
        get_u64() -> u64;
        get_text() -> Text;
        get_slot() -> u32;
    }
    pub fn put_i32(&mut self, value: i32) {
        self.put_u32(value as u32)
    }
    pub fn put_bool(&mut self, value: bool) {
        self.put_u32(value as u32)
    }
    pub fn put_text(&mut self, value: &str) {
        self.put_bytes(value.as_bytes())
    }
    pub fn put_location(&mut self, value: Location) {
        for word in [value.x, value.y, value.width, value.height] {
            self.put_u32(word);
        }
    }
    pub fn get_i32(&mut self) -> i32 {
        self.get_u32() as i32
    }
    pub fn get_bool(&mut self) -> bool {
        self.get_u32() != 0
    }
    pub fn get_bytes(&mut self) -> Text {
        self.get_text()
    }
    pub fn get_location(&mut self) -> Location {
        Location { x: self.get_u32(), y: self.get_u32(), width: self.get_u32(), height: self.get_u32() }
    }

    /// `errors`: what the function declares, in order; they are the first word of the reply.
    pub fn invoke(&mut self, target: u32, opcode: u32, errors: &[Error]) -> Result<(), Error> {
        if self.bad {
            return Err(Error::BadMessage);
        }
        let status = unsafe { kernel_call(target, opcode, &mut self.message as *mut Message as usize) };
        if status != 0 {
            return Err(Error::of_status(status));
        }
        match self.get_u32() {
            _ if self.bad => Err(Error::BadMessage),
            0 => Ok(()),
            outcome => Err(errors.get(outcome as usize - 1).copied().unwrap_or(Error::Failed)),
        }
    }
}
