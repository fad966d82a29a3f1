// Server of the service "Adder", as adder_server.cpp: each session has a dataspace of its own that its client may attach.
#![no_std]
#![no_main]
use core::cell::Cell;
use rtcr::env::{alloc, detach, Dataspace};
use rtcr::root::{announce, arg_value, Response, Service};
use rtcr::rpc::{Object, Reply, Request};

const ADD: u32 = 0;
const DATASPACE: u32 = 1;
const NAME: u32 = 2;
const PAGE: u64 = 4096;

/// A session; used by the entrypoint alone.
struct Session {
    open: Cell<bool>,
    /// The ledger: how many numbers, and their sum.
    ledger: Cell<usize>,
    ram: Cell<u32>,
}

unsafe impl Sync for Session {}

impl Session {
    const fn new() -> Session {
        Session { open: Cell::new(false), ledger: Cell::new(0), ram: Cell::new(0) }
    }
}

impl Object for Session {
    fn dispatch(&self, opcode: u32, request: &mut Request) -> Reply {
        let ledger = self.ledger.get() as *mut u32;
        match opcode {
            ADD => {
                let number = request.u32();
                if request.bad() {
                    return Reply::Done;
                }
                let sum = unsafe {
                    *ledger += 1;
                    *ledger.add(1) += number;
                    *ledger.add(1)
                };
                request.results().put_u32(sum);
            }
            DATASPACE => request.results().put_slot(self.ram.get()),
            NAME => {
                let name = request.text();
                let given = request.slot();
                let own = given == self.ram.get();
                rtcr::log!("{} gave {}", name.as_str(), if own { "the ledger" } else { "something else" });
                unsafe { rtcr::abi::kernel_cap_release(given) };
                if !own {
                    return Reply::Failed(0);
                }
                request.results().put_bytes(name.as_bytes());
            }
            _ => return Reply::InvalidOpcode,
        }
        Reply::Done
    }
}

static SESSIONS: [Session; 4] = [Session::new(), Session::new(), Session::new(), Session::new()];

struct Adder;

impl Service for Adder {
    fn create(&self, label: &str, args: &str) -> Result<&'static dyn Object, Response> {
        if arg_value(args, "ram_quota").unwrap_or(0) < 2 * PAGE {
            return Err(Response::InsufficientRam);
        }
        if arg_value(args, "cap_quota").unwrap_or(0) < 2 {
            return Err(Response::InsufficientCaps);
        }
        let session = SESSIONS.iter().find(|session| !session.open.get()).ok_or(Response::Denied)?;
        let ram = alloc(PAGE as usize).map_err(|_| Response::Denied)?;
        match ram.attach() {
            Ok(address) => session.ledger.set(address),
            Err(_) => {
                ram.free();
                return Err(Response::Denied);
            }
        }
        session.ram.set(ram.0);
        session.open.set(true);
        rtcr::log!("session of {}", label);
        Ok(session)
    }
    fn upgrade(&self, _session: &'static dyn Object, ram: u64, _caps: u32) {
        rtcr::log!("upgrade by {}", ram);
    }
    fn destroy(&self, session: &'static dyn Object) {
        let gone = session as *const dyn Object as *const Session;
        if let Some(session) = SESSIONS.iter().find(|each| core::ptr::eq(*each, gone)) {
            detach(session.ledger.get());
            Dataspace(session.ram.get()).free();
            session.open.set(false);
        }
        rtcr::log!("closed");
    }
}

fn construct() {
    announce("Adder", &Adder).unwrap();
}
rtcr::component!(construct);
