// What the twins of the thesis's counters share: the delay loop, and how often they count (apps/components/cpp/counter.h).
import { AttachedRom, exit } from "../../../guest/assemblyscript/index";

export class CounterConfig {
  private iterations: u64 = 10_000_000;
  private turns: u64 = 0;
  /** The delay writes here, or the compiler would leave the loop out. */
  sink: u64 = 0;

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
    for (let i: u64 = 0; i < this.iterations; i++) this.sink = i;
  }
  finish(): void {
    exit(0);
  }
}
