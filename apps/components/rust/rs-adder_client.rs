// Client of the service "Adder": adds 1, 2, 3 ... by calls, compares with what the shared dataspace says, gives the
// dataspace's capability back to the server, and uses a region map of its own.
//
//   <config numbers="10" sessions="1"/>   one session after the other
#![no_std]
#![no_main]
use rtcr::abi::Error;
use rtcr::env::{alloc, attach_in, detach, env, exit, Dataspace, Rm, Rom, Session};
use rtcr::message::Call;

fn call(session: &Session, opcode: u32, argument: u32) -> Result<u32, Error> {
    let mut call = Call::new();
    call.put_u32(argument);
    call.invoke(session.slot, opcode, &[])?;
    Ok(call.get_u32())
}

fn dataspace(session: &Session) -> Result<Dataspace, Error> {
    let mut call = Call::new();
    call.invoke(session.slot, 1, &[])?;
    Ok(Dataspace(call.get_slot()))
}

/// Gives a text and a capability.
fn name(session: &Session, given: u32) -> Result<bool, Error> {
    let mut call = Call::new();
    call.put_text("client");
    call.put_slot(given);
    call.invoke(session.slot, 2, &[Error::ServiceDenied])?;
    Ok(call.get_text().as_str() == "client")
}

fn add_up(session: &Session, numbers: u32) -> Result<bool, Error> {
    let shared = dataspace(session)?;
    let ledger = shared.attach()? as *const u32;
    let mut right = true;
    for number in 1..=numbers {
        let sum = call(session, 0, number)?;
        let told = unsafe { (ledger.read_volatile(), ledger.add(1).read_volatile()) };
        right &= sum == number * (number + 1) / 2 && told == (number, sum);
    }
    rtcr::log!("sum {}", unsafe { ledger.add(1).read_volatile() });
    // whatever a server does not understand is an opcode that it does not have
    right &= Call::new().invoke(session.slot, 0, &[]) == Err(Error::InvalidOpcode);
    right &= call(session, 99, 0) == Err(Error::InvalidOpcode);
    right &= name(session, shared.0)? && name(session, env().pd) == Err(Error::ServiceDenied);
    detach(ledger as usize);
    unsafe { rtcr::abi::kernel_cap_release(shared.0) };
    Ok(right)
}

/// A dataspace behind a region map of one's own, seen at two places.
fn twice() -> Result<bool, Error> {
    let rm = Rm::open()?;
    let map = rm.create(4 * 4096)?;
    let ram = alloc(4096)?;
    attach_in(map, ram.0, Some(0))?;
    attach_in(map, ram.0, Some(2 * 4096))?;
    let shown = rtcr::abi::region_map::dataspace(map)?;
    let words = attach_in(env().address_space, shown, None)? as *mut u32;
    let seen = unsafe {
        words.write_volatile(7);
        words.add(2 * 1024).read_volatile()
    };
    detach(words as usize);
    rm.destroy(map);
    ram.free();
    rm.0.close();
    Ok(seen == 7)
}

fn construct() {
    let config = Rom::open("config").unwrap();
    let number = |key, otherwise| config_number(config.text(), key).unwrap_or(otherwise);
    let (numbers, sessions) = (number("numbers", 10), number("sessions", 1));
    for _ in 0..sessions {
        let session = Session::open("Adder", "label=\"sum\"", 2048, 1).unwrap();
        match add_up(&session, numbers) {
            Ok(true) => {}
            Ok(false) => rtcr::log!("Error: the sums differ"),
            Err(error) => rtcr::log!("Error: {}", error.name()),
        }
        session.upgrade(1024, 1).unwrap();
        session.close();
    }
    rtcr::log!("a map's dataspace at two places: {}", if twice() == Ok(true) { "the same" } else { "NOT the same" });
    exit(0);
}

/// A number attribute of the first element.
fn config_number(text: &str, key: &str) -> Option<u32> {
    let tag = text.split('>').next()?;
    let at = tag.find(key)? + key.len();
    let digits = tag[at..].strip_prefix("=\"")?.split('"').next()?;
    digits.parse().ok()
}
rtcr::component!(construct);
