//! The environment of a component: its sessions' slots, memory with retries (spec 2.12), sessions, the timer.
use crate::abi::{cpu, dataspace, kernel_cap_release, parent, pd, region_map, rm, rom, timer, AREA_STACK_SLOT_BYTES, Error};
use crate::message::{Location, Text};
use crate::signal::event_context;
use crate::sync::{Event, Mutex};
use core::fmt::Write;

/// Slots of what the component was given.
#[derive(Clone, Copy)]
pub struct Env {
    pub parent: u32,
    pub pd: u32,
    pub cpu: u32,
    pub log: u32,
    pub address_space: u32,
    pub stack_area: u32,
    /// The signal source.
    pub source: u32,
    /// The entrypoint's thread.
    pub ep: u32,
}

pub(crate) static mut ENV: Env =
    Env { parent: 0, pd: 0, cpu: 0, log: 0, address_space: 0, stack_area: 0, source: 0, ep: 0 };

pub fn env() -> Env {
    unsafe { ENV }
}

pub(crate) static SESSION_EVENT: Event = Event::new();
pub(crate) static RESOURCE_EVENT: Event = Event::new();
/// Whether the parent signals them: until then threads that wait look again after a moment.
pub(crate) static mut TOLD: bool = false;
const ATTEMPTS: u32 = 10;

fn wait(event: &Event, seen: u32) {
    if unsafe { TOLD } {
        event.wait(seen)
    } else {
        event.wait_a_moment(seen)
    }
}

/// Asks the parent for more and waits until it has given some.
pub fn resource_request(ram: usize, caps: u32) {
    let seen = RESOURCE_EVENT.count();
    let mut args = Text::new();
    let _ = match (ram, caps) {
        (0, caps) => write!(args, "cap_quota={}", caps),
        (ram, 0) => write!(args, "ram_quota={}", ram),
        (ram, caps) => write!(args, "ram_quota={}, cap_quota={}", ram, caps),
    };
    if parent::resource_request(env().parent, args.as_str()).is_ok() {
        wait(&RESOURCE_EVENT, seen);
    }
}

/// Tries up to 10 times, with a resource request after each refusal for want of quota.
pub fn retry<T>(ram: usize, caps: u32, mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..ATTEMPTS {
        match attempt() {
            Err(Error::OutOfRam) => resource_request(ram, 0),
            Err(Error::OutOfCaps) => resource_request(0, caps),
            outcome => return outcome,
        }
    }
    attempt()
}

/// A RAM dataspace.
#[derive(Clone, Copy)]
pub struct Dataspace(pub u32);

pub fn alloc(bytes: usize) -> Result<Dataspace, Error> {
    retry(bytes + 4096, 4, || pd::alloc(env().pd, bytes as u32, 2)).map(Dataspace)
}

impl Dataspace {
    /// Attaches all of it anywhere in the address space.
    pub fn attach(&self) -> Result<usize, Error> {
        attach_in(env().address_space, self.0, None)
    }
    /// Ends it, and its attachments.
    pub fn free(self) {
        let _ = pd::free(env().pd, self.0);
        unsafe { kernel_cap_release(self.0) };
    }
}

/// Attaches all of a dataspace in a region map, at an address of the map if one is given.
pub fn attach_in(map: u32, dataspace: u32, address: Option<usize>) -> Result<usize, Error> {
    let (fixed, at) = (address.is_some(), address.unwrap_or(0) as u32);
    retry(8192, 2, || region_map::attach(map, dataspace, 0, 0, fixed, at, false, true)).map(|at| at as usize)
}

pub fn detach(address: usize) {
    let _ = region_map::detach(env().address_space, address as u32);
}

/// A stack of `bytes` at the end of a slot of the stack area; its upper end.
pub(crate) fn stack(slot: u32, bytes: usize) -> Result<u32, Error> {
    let top = (slot + 1) * AREA_STACK_SLOT_BYTES;
    attach_in(env().stack_area, alloc(bytes)?.0, Some(top as usize - bytes))?;
    Ok(crate::abi::AREA_STACK_AREA + top)
}

static IDS: Mutex = Mutex::new();
/// Held while an upgrade is asked for: the parent drops those of a session that has one under way.
static UPGRADES: Mutex = Mutex::new();
static mut NEXT_ID: u32 = 6;

/// An open session.
#[derive(Clone, Copy)]
pub struct Session {
    pub id: u32,
    pub slot: u32,
}

impl Session {
    /// Opens a session and blocks until it is there; asks for resources for ever. `args`: `label="..."` and the like.
    pub fn open(service: &str, args: &str, mut ram: usize, mut caps: u32) -> Result<Session, Error> {
        loop {
            let id = IDS.with(|| unsafe {
                NEXT_ID += 1;
                NEXT_ID - 1
            });
            let mut all = Text::new();
            let comma = if args.is_empty() { "" } else { ", " };
            let _ = write!(all, "{}{}ram_quota={}, cap_quota={}", args, comma, ram, caps);
            match Session::attempt(id, service, all.as_str()) {
                Ok(slot) => return Ok(Session { id, slot }),
                Err(Error::InsufficientRamQuota) => ram += 4096,
                Err(Error::InsufficientCapQuota) => caps += 4,
                Err(Error::OutOfRam) => resource_request(ram, 0),
                Err(Error::OutOfCaps) => resource_request(0, caps),
                Err(error) => return Err(error),
            }
        }
    }
    fn attempt(id: u32, service: &str, args: &str) -> Result<u32, Error> {
        let mut seen = SESSION_EVENT.count();
        let mut slot = parent::session(env().parent, id, service, args, Location::default())?;
        while slot == 0 {
            wait(&SESSION_EVENT, seen);
            seen = SESSION_EVENT.count();
            slot = parent::session_cap(env().parent, id)?;
        }
        Ok(slot)
    }
    /// Gives the session more, asking for resources until that can be; blocks until the server has it.
    pub fn upgrade(&self, ram: usize, caps: u32) -> Result<(), Error> {
        let mut args = Text::new();
        let _ = write!(args, "ram_quota={}, cap_quota={}", ram, caps);
        let ask = || {
            UPGRADES.with(|| {
                self.await_upgrade();
                parent::upgrade(env().parent, self.id, args.as_str())
            })
        };
        if retry(ram, caps, ask)?.as_str() != "done" {
            self.await_upgrade();
        }
        Ok(())
    }
    /// Blocks while an upgrade is under way: to ask for nothing tells whether one is.
    fn await_upgrade(&self) {
        loop {
            let seen = SESSION_EVENT.count();
            match parent::upgrade(env().parent, self.id, "") {
                Ok(outcome) if outcome.as_str() != "done" => wait(&SESSION_EVENT, seen),
                _ => return,
            }
        }
    }
    pub fn close(self) {
        let _ = parent::close(env().parent, self.id);
        unsafe { kernel_cap_release(self.slot) };
    }
}

/// A thread of the component; the CPU session is upgraded for it when it must be.
pub(crate) fn create_thread(name: &str) -> Result<u32, Error> {
    let session = Session { id: 2, slot: env().cpu };
    let create = || cpu::create_thread(session.slot, env().pd, name, Location::default(), 10, 0);
    for _ in 0..ATTEMPTS {
        match create() {
            Err(Error::OutOfRam) => session.upgrade(8 << 10, 0)?,
            Err(Error::OutOfCaps) => session.upgrade(0, 2)?,
            outcome => return outcome,
        }
    }
    create()
}

/// A timer session that threads sleep with.
pub struct Timer {
    pub session: Session,
    event: &'static Event,
    context: u32,
}

impl Timer {
    /// `event`: of the caller's own, raised at each timeout.
    pub fn open(event: &'static Event) -> Result<Timer, Error> {
        let session = Session::open("Timer", "", 10 << 10, 2)?;
        let context = event_context(event)?;
        timer::sigh(session.slot, context)?;
        Ok(Timer { session, event, context })
    }
    /// Signals go to another context; `usleep` takes them back.
    pub fn sigh(&self, context: u32) {
        let _ = timer::sigh(self.session.slot, context);
    }
    pub fn trigger_periodic(&self, us: u64) {
        let _ = timer::trigger_periodic(self.session.slot, us);
    }
    pub fn elapsed_us(&self) -> u64 {
        timer::elapsed_us(self.session.slot).unwrap_or(0)
    }
    pub fn usleep(&self, us: u64) {
        let seen = self.event.count();
        self.sigh(self.context);
        if us > 0 && timer::trigger_once(self.session.slot, us).is_ok() {
            self.event.wait(seen);
        }
    }
    pub fn msleep(&self, ms: u64) {
        self.usleep(ms * 1000)
    }
}

/// An RM session: region maps of one's own.
pub struct Rm(pub Session);

impl Rm {
    pub fn open() -> Result<Rm, Error> {
        Session::open("RM", "", 64 << 10, 2).map(Rm)
    }
    /// A map; the session is upgraded for it when it must be.
    pub fn create(&self, bytes: usize) -> Result<u32, Error> {
        for _ in 0..ATTEMPTS {
            match rm::create(self.0.slot, bytes as u32) {
                Err(Error::OutOfRam) => self.0.upgrade(8 << 10, 0)?,
                Err(Error::OutOfCaps) => self.0.upgrade(0, 2)?,
                outcome => return outcome,
            }
        }
        rm::create(self.0.slot, bytes as u32)
    }
    pub fn destroy(&self, map: u32) {
        let _ = rm::destroy(self.0.slot, map);
    }
}

/// A ROM module, attached.
pub struct Rom {
    pub session: Session,
    dataspace: u32,
    address: usize,
    bytes: usize,
}

impl Rom {
    pub fn open(name: &str) -> Result<Rom, Error> {
        let mut args = Text::new();
        let _ = write!(args, "label=\"{}\"", name);
        let session = Session::open("ROM", args.as_str(), 6 << 10, 3)?;
        let mut opened = Rom { session, dataspace: 0, address: 0, bytes: 0 };
        opened.attach();
        Ok(opened)
    }
    /// Nothing is attached while there is no module.
    fn attach(&mut self) {
        self.dataspace = rom::dataspace(self.session.slot).unwrap_or(0);
        if self.dataspace != 0 {
            self.address = attach_in(env().address_space, self.dataspace, None).unwrap_or(0);
            self.bytes = dataspace::size(self.dataspace).unwrap_or(0) as usize;
        }
    }
    /// Signals of the module's changes go to a context.
    pub fn sigh(&self, context: u32) {
        let _ = rom::sigh(self.session.slot, context);
    }
    /// Takes over what the module has become.
    pub fn update(&mut self) {
        if self.address != 0 && rom::update(self.session.slot) == Ok(true) {
            return;
        }
        if self.address != 0 {
            detach(self.address);
        }
        unsafe { kernel_cap_release(self.dataspace) };
        self.address = 0;
        self.attach();
    }
    /// Up to the first zero byte.
    pub fn text(&self) -> &str {
        if self.address == 0 {
            return "";
        }
        let bytes = unsafe { core::slice::from_raw_parts(self.address as *const u8, self.bytes) };
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        core::str::from_utf8(&bytes[..end]).unwrap_or("")
    }
}

/// The component is done.
pub fn exit(value: i32) {
    let _ = parent::exit(env().parent, value);
}
