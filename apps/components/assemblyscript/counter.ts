// What the twins of the thesis's counters share: the delay loop, and how often they count (apps/components/cpp/counter.h).
import { AttachedRom, exit } from "../../../guest/assemblyscript/index";

export class CounterConfig {
  private iterations: u64 = 10_000_000;
  private turns: u64 = 0;
  // biome-ignore lint/correctness/noUnusedPrivateClassMembers: its address is what is asked for below
  private nothing: u64 = 0;

  constructor() {
    const config = new AttachedRom("config");
    this.iterations = config.number("iterations", this.iterations);
    this.turns = config.number("turns", this.turns);
    config.close();
  }
  goesOn(turn: u64): bool {
    return this.turns === 0 || turn < this.turns;
  }
  delay(): void {
    // a store in each turn, or the compiler would leave the loop out
    for (let i: u64 = 0; i < this.iterations; i++)
      store<u64>(changetype<usize>(this), i, offsetof<CounterConfig>("nothing"));
  }
  finish(): void {
    exit(0);
  }
}
