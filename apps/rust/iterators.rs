// Iterators: chains of adapters, an own iterator, windows, folds, sorting by key.

use std::env;

struct Collatz(u64);

impl Iterator for Collatz {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.0 == 0 {
            return None;
        }
        let now = self.0;
        self.0 = match now {
            1 => 0,
            n if n % 2 == 0 => n / 2,
            n => 3 * n + 1,
        };
        Some(now)
    }
}

fn primes() -> impl Iterator<Item = u32> {
    (2u32..).filter(|n| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0))
}

fn main() {
    let size: usize = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let longest = (1..size as u64).map(|n| (Collatz(n).count(), n)).max().unwrap_or((0, 0));
    println!("longest sequence: {} steps from {}", longest.0, longest.1);

    let list: Vec<u32> = primes().take(size).collect();
    let gap = list.windows(2).map(|pair| (pair[1] - pair[0], pair[0])).max().unwrap_or((0, 0));
    println!("{} primes up to {:?}, widest gap {} after {}", list.len(), list.last(), gap.0, gap.1);

    let (even, odd): (Vec<u32>, Vec<u32>) = list.iter().map(|p| p * p % 97).partition(|r| r % 2 == 0);
    let mut both: Vec<u32> = even.iter().zip(odd.iter().rev()).flat_map(|(a, b)| [a ^ b, a + b]).collect();
    both.sort_by_key(|n| (n % 10, *n));
    both.dedup();
    let text: Vec<String> = both.chunks(4).map(|chunk| format!("{}", chunk.iter().sum::<u32>())).collect();
    println!("{}", text.join(" "));
    let mean = list.iter().map(|&p| f64::from(p).sqrt()).sum::<f64>() / list.len() as f64;
    println!("mean root {:.9}", mean);
}
