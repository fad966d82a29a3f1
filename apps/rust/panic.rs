// Ends in a panic, which aborts: an index out of range in the middle of a bubble sort, after output.

use std::env;

fn bubble(list: &mut [i32], limit: usize) {
    for pass in 0..list.len() {
        for i in 0..list.len() - 1 {
            if list[i] > list[i + 1] {
                list.swap(i, i + 1);
            }
        }
        if pass == 20 {
            println!("smallest {}, then the element at {limit}", list[0]);
            println!("{}", list[limit]);
        }
    }
}

fn main() {
    let count = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(50);
    let mut list: Vec<i32> = (0..count).map(|i| (i * 7919) % 101).collect();
    let limit = list.len();
    bubble(&mut list, limit);
}
