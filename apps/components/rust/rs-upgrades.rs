// Upgrades of a session while other sessions' events arrive, as at the end of the client of upgrades.cpp.
#![no_std]
#![no_main]
use rtcr::env::{exit, Session};

fn give(session: &Session, name: &str, bytes: usize) {
    let outcome = if session.upgrade(bytes, 0).is_ok() { "ok" } else { "failed" };
    rtcr::log!("{} gave {}: {}", name, bytes, outcome);
}

fn construct() {
    let far = Session::open("Slow", "label=\"far\"", 8192, 3).unwrap();
    let near = Session::open("Slow", "label=\"near\"", 8192, 3).unwrap();
    give(&near, "near", 1000);
    near.close();
    rtcr::log!("closed");
    give(&far, "far", 4000);
    exit(0);
}
rtcr::component!(construct);
