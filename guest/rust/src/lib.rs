//! Components in Rust without the standard library: see README.md. The bootstrap (spec 4.1) is that of guest/cpp.
#![no_std]
#![allow(clippy::missing_safety_doc)]

#[path = "../../../build/guest-abi/rust/abi.rs"]
pub mod abi;
pub mod env;
pub mod message;
pub mod root;
pub mod rpc;
pub mod scope;
pub mod signal;
pub mod sync;

use abi::{cpu_thread, kernel_parent, kernel_serve, kernel_serve_signals, log, parent, pd, Error};
use abi::{DISPATCH_RPC, DISPATCH_SIGNAL, DISPATCH_WAKEUP};
use core::fmt;
use env::{create_thread, env, stack, ENV, RESOURCE_EVENT, SESSION_EVENT, TOLD};
use message::{Call, Message};
use signal::{event_context, handler_context};
use sync::Event;

/// Defines a component: `rtcr::component!(construct);` with `fn construct()`, and its entrypoint's stack of 64 KiB.
#[macro_export]
macro_rules! component {
    ($construct:path) => {
        #[no_mangle]
        pub extern "C" fn rtcr_component_start() {
            $crate::start($construct, 64 << 10)
        }
    };
}

/// One line in the log, cut at 230 bytes: `log!("turn {}", turn)`.
#[macro_export]
macro_rules! log {
    ($($arg:tt)*) => { $crate::write_line(format_args!($($arg)*)) };
}

struct Line {
    bytes: [u8; 230],
    length: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let count = text.len().min(self.bytes.len() - self.length);
        self.bytes[self.length..self.length + count].copy_from_slice(&text.as_bytes()[..count]);
        self.length += count;
        Ok(())
    }
}

pub fn write_line(args: fmt::Arguments) {
    let mut line = Line { bytes: [0; 230], length: 0 };
    let _ = fmt::write(&mut line, args);
    let mut call = Call::new();
    call.put_bytes(&line.bytes[..line.length]);
    let _ = call.invoke(env().log, log::WRITE, &[]);
}

extern "C" {
    fn rtcr_set_stack_pointer(top: u32);
}

static mut CONSTRUCT: fn() = || {};
static mut STACK_BYTES: usize = 0;
static mut EP_MESSAGE: Message = Message::new();
static mut SIGNAL_MESSAGE: Message = Message::new();
static mut REST_MESSAGE: Message = Message::new();
static READY: Event = Event::new();

fn give_up(what: &str, error: Error) -> ! {
    log!("Error: start: {}: {}", what, error.name());
    env::exit(-1);
    core::arch::wasm32::unreachable()
}

fn session_cap(id: u32) -> u32 {
    parent::session_cap(env().parent, id).unwrap_or(0)
}

/// The whole life of the initial thread.
pub fn start(construct: fn(), stack_bytes: usize) {
    unsafe {
        CONSTRUCT = construct;
        STACK_BYTES = stack_bytes;
        ENV.parent = kernel_parent();
        ENV.pd = session_cap(1);
        ENV.cpu = session_cap(2);
        ENV.log = session_cap(3);
        ENV.address_space = pd::address_space(ENV.pd).unwrap_or(0);
        ENV.stack_area = pd::stack_area(ENV.pd).unwrap_or(0);
        match stack(0, 16 << 10) {
            Ok(top) => rtcr_set_stack_pointer(top),
            Err(error) => give_up("stack of the initial thread", error),
        }
    }
    bootstrap();
}

/// On the initial thread's own stack.
#[inline(never)]
fn bootstrap() {
    unsafe {
        ENV.ep = thread("ep", 1, STACK_BYTES, entrypoint);
        thread("signal handler", 2, 16 << 10, signal_handler);
        READY.wait(0);
    }
    match rpc::manage(&Constructor) {
        Ok(slot) => {
            let _ = Call::new().invoke(slot, 0, &[]);
        }
        Err(error) => give_up("constructor object", error),
    }
    unsafe { kernel_serve(rest as usize as u32, 0, &mut REST_MESSAGE as *mut Message as usize) };
}

fn thread(name: &str, slot: u32, stack_bytes: usize, entry: extern "C" fn()) -> u32 {
    let started = stack(slot, stack_bytes).and_then(|top| {
        let thread = create_thread(name)?;
        cpu_thread::start(thread, entry as usize as u32, top)?;
        Ok(thread)
    });
    started.unwrap_or_else(|error| give_up(name, error))
}

extern "C" fn entrypoint() {
    unsafe { kernel_serve(dispatch as usize as u32, 0, &mut EP_MESSAGE as *mut Message as usize) };
}

extern "C" fn signal_handler() {
    unsafe {
        match pd::alloc_signal_source(env().pd) {
            Ok(source) => ENV.source = source,
            Err(error) => give_up("signal source", error),
        }
        kernel_serve(dispatch_signal as usize as u32, 0, &mut SIGNAL_MESSAGE as *mut Message as usize);
        kernel_serve_signals(ENV.source);
    }
    READY.raise();
}

extern "C" fn dispatch(_argument: u32, kind: u32, object: u32, value: u32) -> u32 {
    match kind {
        DISPATCH_RPC => return rpc::dispatch(unsafe { &mut EP_MESSAGE }, object, value),
        DISPATCH_WAKEUP => signal::dispatch_one(),
        _ => {}
    }
    0
}

extern "C" fn dispatch_signal(_argument: u32, kind: u32, imprint: u32, count: u32) -> u32 {
    if kind == DISPATCH_SIGNAL {
        signal::deliver(imprint, count);
    }
    0
}

extern "C" fn rest(_argument: u32, _kind: u32, _object: u32, _value: u32) -> u32 {
    Error::InvalidOpcode as u32
}

/// What the initial thread calls on the entrypoint.
struct Constructor;

impl rpc::Object for Constructor {
    fn dispatch(&self, _opcode: u32, request: &mut rpc::Request) -> rpc::Reply {
        let parent_slot = env().parent;
        if let Ok(context) = event_context(&SESSION_EVENT) {
            let _ = parent::session_sigh(parent_slot, context);
        }
        if let Ok(context) = event_context(&RESOURCE_EVENT) {
            let _ = parent::resource_avail_sigh(parent_slot, context);
        }
        unsafe { TOLD = true };
        let answer = |_: u32| {
            let _ = parent::heartbeat_response(env().parent);
        };
        // the last call of the parent before the program
        if let Ok(context) = handler_context(answer) {
            let _ = parent::heartbeat_sigh(parent_slot, context);
        }
        unsafe { CONSTRUCT() };
        request.results();
        rpc::Reply::Done
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    log!("Error: {}", info);
    core::arch::wasm32::unreachable()
}
