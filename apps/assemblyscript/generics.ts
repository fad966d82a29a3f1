// Generic classes and functions: a heap ordered by a function, a cache, array methods with functions as values.

class Heap<T> {
  private items: T[] = [];

  constructor(private before: (a: T, b: T) => bool) {}

  get size(): i32 {
    return this.items.length;
  }

  push(item: T): void {
    let at = this.items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(this.items[at], this.items[parent])) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  pop(): T {
    const top = this.items[0];
    const last = this.items.pop();
    if (this.items.length > 0) {
      this.items[0] = last;
      this.sink();
    }
    return top;
  }

  private sink(): void {
    let at = 0;
    for (;;) {
      let first = at;
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < this.items.length; child++)
        if (this.before(this.items[child], this.items[first])) first = child;
      if (first === at) return;
      this.swap(at, first);
      at = first;
    }
  }

  private swap(a: i32, b: i32): void {
    const item = this.items[a];
    this.items[a] = this.items[b];
    this.items[b] = item;
  }
}

function sumOf<T>(items: T[], start: T): T {
  let sum = start;
  for (let i = 0; i < items.length; i++) sum += items[i];
  return sum;
}

function drained<T>(heap: Heap<T>, items: T[]): T[] {
  for (let i = 0; i < items.length; i++) heap.push(items[i]);
  const ordered: T[] = [];
  while (heap.size > 0) ordered.push(heap.pop());
  return ordered;
}

const count = process.argv.length > 1 ? I32.parseInt(process.argv[1]) : 30;
const numbers: i32[] = [];
for (let i = 0, state: u32 = 2463534242; i < count; i++) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  numbers.push(<i32>(state % 1000));
}

const rising = drained<i32>(new Heap<i32>((a, b) => a < b), numbers);
const words = numbers.map<string>((n) => n.toString(26));
const longest = drained<string>(
  new Heap<string>((a, b) => a.length > b.length || (a.length === b.length && a < b)),
  words,
);
console.log(`${rising[0]} ... ${rising[count - 1]}, sum ${sumOf<i32>(rising, 0)}`);
console.log(`${longest.slice(0, 8).join(" ")}, ${sumOf<string>(longest, "").length} letters`);

const roots = numbers.filter((n) => n % 2 === 0).map<f64>((n) => Math.sqrt(n));
console.log(`${roots.length} even, roots ${sumOf<f64>(roots, 0)}`);
const seen = new Set<i32>();
numbers
  .sort((a, b) => b - a)
  .forEach((n, i) => {
    if (i % 2) numbers[i] = n ^ numbers[i - 1];
  });
for (let i = 0; i < count; i++) seen.add(numbers[i] % 50);
console.log(`${seen.size} remainders, ${numbers.reduce<u32>((sum, n) => sum * 31 + n, 7)}`);
