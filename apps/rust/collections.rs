// Collections: strings in HashMap and BTreeMap, a heap, sets; output sorted, for hash maps are seeded at random.

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::env;

const WORDS: [&str; 8] = ["page", "frame", "thread", "segment", "table", "global", "memory", "store"];

fn next(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

fn phrases(count: usize) -> Vec<String> {
    let mut state = 2463534242;
    (0..count)
        .map(|_| {
            let first = WORDS[next(&mut state) as usize % WORDS.len()];
            let second = WORDS[next(&mut state) as usize % WORDS.len()];
            format!("{first}-{second}")
        })
        .collect()
}

fn main() {
    let count = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let list = phrases(count);

    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut by_length: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for phrase in &list {
        *counts.entry(phrase).or_insert(0) += 1;
        by_length.entry(phrase.len()).or_default().push(phrase);
    }
    let mut heap: BinaryHeap<(usize, &str)> = counts.iter().map(|(phrase, n)| (*n, *phrase)).collect();
    for _ in 0..5 {
        if let Some((n, phrase)) = heap.pop() {
            println!("{n} times {phrase}");
        }
    }
    for (length, phrases) in by_length.range(10..14) {
        println!("length {length}: {} first {}", phrases.len(), phrases[0]);
    }

    let letters: HashSet<char> = list.iter().flat_map(|phrase| phrase.chars()).collect();
    let mut sorted: Vec<char> = letters.into_iter().collect();
    sorted.sort_unstable();
    println!("{}", sorted.into_iter().collect::<String>());

    let mut queue: VecDeque<String> = list.into();
    while queue.len() > 1 {
        let merged = match (queue.pop_front(), queue.pop_front()) {
            (Some(a), Some(b)) => a.chars().zip(b.chars().rev()).map(|(x, y)| x.max(y)).collect(),
            _ => String::new(),
        };
        queue.push_back(merged);
    }
    println!("{:?}", queue);
}
