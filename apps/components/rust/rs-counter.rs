// A component in Rust: memory of its own, sleeps, a periodic signal, and an RPC object that it calls from another thread's
// place: itself, which is refused.
#![no_std]
#![no_main]
use rtcr::abi::Error;
use rtcr::env::{alloc, env, exit, Timer};
use rtcr::message::Call;
use rtcr::rpc::{manage, Object, Reply, Request};
use rtcr::signal::handler_context;
use rtcr::sync::Event;

static TIMEOUT: Event = Event::new();
static mut TICKS: u32 = 0;
static mut TIMER: Option<Timer> = None;

struct Adder;

impl Object for Adder {
    fn dispatch(&self, opcode: u32, request: &mut Request) -> Reply {
        if opcode != 0 {
            return Reply::InvalidOpcode;
        }
        let sum = request.u32() + request.u32();
        request.results().put_u32(sum);
        Reply::Done
    }
}

fn tick(_count: u32) {
    let ticks = unsafe {
        TICKS += 1;
        TICKS
    };
    rtcr::log!("tick {}", ticks);
    if ticks == 3 {
        exit(0);
    }
}

fn construct() {
    let ram = alloc(8192).unwrap();
    let words = ram.attach().unwrap() as *mut u32;
    for i in 0..2048 {
        unsafe { *words.add(i) = i as u32 };
    }
    let sum: u32 = (0..2048).map(|i| unsafe { *words.add(i) }).sum();
    ram.free();
    rtcr::log!("sum {}", sum);

    let adder = manage(&Adder).unwrap();
    let mut call = Call::new();
    call.put_u32(1);
    call.put_u32(2);
    let refused = call.invoke(adder, 0, &[]) == Err(Error::Deadlock);
    rtcr::log!("a call of one's own entrypoint: {}", if refused { "deadlock" } else { "SERVED" });

    let timer = Timer::open(&TIMEOUT).unwrap();
    let before = timer.elapsed_us();
    timer.msleep(20);
    rtcr::log!("slept: {}", if timer.elapsed_us() - before >= 20_000 { "yes" } else { "no" });
    timer.sigh(handler_context(tick).unwrap());
    timer.trigger_periodic(5_000);
    unsafe { TIMER = Some(timer) };
    rtcr::log!("constructed, ep {}", if env().ep != 0 { "serves" } else { "is missing" });
}
rtcr::component!(construct);
