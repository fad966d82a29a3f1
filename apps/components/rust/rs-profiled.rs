// The twin of profiled: scopes, one inside another.
#![no_std]
#![no_main]
use rtcr::env::exit;
use rtcr::scope::{Color, Scope};

fn sum_up(from: u32) -> u32 {
    let _scope = Scope::new("sum", Color::Blue);
    (0..1000).map(|i| from + i).sum()
}

fn construct() {
    for turn in 0..3 {
        let _scope = Scope::new("turn", Color::Red);
        rtcr::log!("sum {}", sum_up(turn));
    }
    exit(0);
}
rtcr::component!(construct);
