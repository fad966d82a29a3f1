// What runs in the long run, and what each of its lines must say.
//
//   pair       a client driven by a timer and a server that share memory: line n is `n 4n+6`
//   cruise     the adaptive cruise control at 1 kHz: each hundredth sample is told, computed again here
//   key-value  a server under two loads that never wait: counts of operations, computed again here, and 0 wrong
//
// The cruise control has the higher priority: the loads use what it leaves.

/** What a workload's lines must be, one after the other, over all instances. */
export interface Expected {
  /** The child that writes them. */
  readonly child: string;
  /** The next line, or what its fixed part must match. */
  next(): string | RegExp;
}

const provides = (service: string) => `<provides><service name="${service}"/></provides>`;
const start = (name: string, binary: string, inside = "", priority = 0) =>
  `<start name="${name}" caps="500" ram="8M" priority="${priority}"><binary name="${binary}" windows="yes"/>${inside}</start>`;

const LOADS = [1, 2];
const REPORT = 500;
const KEYS = 64;
const load = (seed: number) => `<config seed="${seed}" keys="${KEYS}" report="${REPORT}" operations="1000000000000"/>`;

/** Start nodes of all workloads. */
export const STARTS = [
  start("server", "pair_server", provides("Pair")),
  start("client", "soak_client", '<config period_ms="5"/>'),
  start("actuator", "cruise_actuator", provides("Actuator")),
  start("sensor", "cruise_sensor", `${provides("Sensor")}<config steps="4000000000"/>`),
  start("watchdog", "cruise_watchdog", `${provides("Watchdog")}<config looks="1000"/>`),
  start("logger", "cruise_logger", provides("Recorder")),
  start("controller", "cruise_controller"),
  start("kv", "kv_server", provides("Kv"), -1),
  ...LOADS.map((seed) => start(`load-${seed}`, "kv_load", load(seed), -1)),
] as const;

export const BINARIES = [
  ...["pair_server", "soak_client", "kv_server", "kv_load"],
  ...["actuator", "sensor", "watchdog", "logger", "controller"].map((part) => `cruise_${part}`),
];

/** Expectations for one long run. */
export function expectations(): readonly Expected[] {
  return [pair(), cruise(), watchdog(), ...LOADS.map(keyValueLoad)];
}

function pair(): Expected {
  let turn = 0;
  return { child: "client", next: () => `${turn} ${4 * turn++ + 6}` };
}

/** The plant and the controller of apps/components/cpp/cruise_*.cpp; integers are divided towards zero there. */
function cruise(): Expected {
  const over = (value: number, divisor: number) => Math.trunc(value / divisor);
  let [gap, speed, command, step] = [30_000_000, 22_000_000, 0, 0];
  const sample = () => {
    const phase = step++ % 1200;
    const front = phase < 400 ? 20_000 : phase < 700 ? 20_000 - (phase - 400) * 27 : 11_900 + (phase - 700) * 16;
    speed = Math.max(0, speed + command);
    gap += front - over(speed, 1000);
    const [distance, own] = [over(gap, 1000), over(speed, 1000)];
    const follow = over(distance - (10_000 + over(own * 6, 5)), 5) + over((front - own) * 3, 4);
    const wanted = Math.min(follow, 25_000 - own);
    command = Math.max(-6000, Math.min(2500, wanted));
    return `${step} ms: ${distance} mm, ${own} mm/s behind ${front} mm/s, ${wanted} mm/s2`;
  };
  const next = () => {
    while (step % 100 !== 99) sample();
    return sample();
  };
  return { child: "logger", next };
}

/** It speaks only when the controller has been silent for ten seconds of its time. */
function watchdog(): Expected {
  return { child: "watchdog", next: () => "no line" };
}

/** The generator of apps/components/cpp/kv_load.cpp; how many keys are there depends on both loads. */
function keyValueLoad(seed: number): Expected {
  let state = seed;
  let operations = 0;
  const counts = { puts: 0, gets: 0, removals: 0 };
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
  const operation = () => {
    random(); // the key
    const kind = random() % 4;
    counts[kind < 2 ? "puts" : kind === 2 ? "gets" : "removals"]++;
  };
  const next = () => {
    for (let i = 0; i < REPORT; i++) operation();
    operations += REPORT;
    const { puts, gets, removals } = counts;
    return new RegExp(
      `^${operations} operations: ${puts} puts, ${gets} gets, ${removals} removals, 0 wrong, \\d{1,3} keys$`,
    );
  };
  return { child: `load-${seed}`, next };
}
