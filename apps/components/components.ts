// The components: programs for the component platform (docs/GUEST-ABI.md), built by scripts/build-guests.ts into
// build/components/<name>.wasm. A row's source is apps/components/<folder>/<name>.<extension>; expected logs are in
// apps/components/expected/<name>.txt. Not here: how they are run (test/components/).

export type ComponentLanguage = "c" | "wasi-threads" | "c++" | "assemblyscript" | "rust";

/** One component. */
export interface ComponentApp {
  /** Unique; also that of build/components/<name>.wasm. */
  readonly name: string;
  readonly language: ComponentLanguage;
  /** Path of the source from the repository's root. */
  readonly source: string;
  /** What it is there to exercise. */
  readonly purpose: string;
}

type Row = readonly [name: string, purpose: string];

const C: readonly Row[] = [["smoke", "every import once, without an SDK"]];

/** In C, with what wasi-libc has, and a shared memory. */
const THREADS: readonly Row[] = [
  ["workers", "threads of thread-spawn that compute, lock and meet"],
  ["dialog", "a conversation over standard input and output"],
];

const CPP: readonly Row[] = [
  ["sheep_counter", "heap, stack and an own dataspace (thesis)"],
  ["stack_counter", "a counter on the stack (thesis)"],
  ["red_zone", "data below the stack pointer, where a function without calls may have some"],
  ["large_stack_counter", "a nearly full stack (thesis)"],
  ["small_dataspaces", "many small dataspaces (thesis)"],
  ["large_dataspaces", "a large dataspace (thesis)"],
  ["many_dataspaces", "so many dataspaces of a size (benches)"],
  ["many_threads", "so many threads, each so many calls deep"],
  ["soak_client", "calls and shared memory at each tick of a timer (soak)"],
  ["sheep_counter_extended", "memory verified each turn"],
  ["rtcr_redmem", "memory written in every width, across pages and as blocks"],
  ["sheep_counter_async", "a periodic timer signal, construct returns"],
  ["sheep_counter_timer", "a sleep in each turn"],
  ["sheep_counter_threaded", "a second thread"],
  ["thread_registers", "counters in registers only"],
  ["cap_reuse", "numbers of freed capabilities"],
  ["managed_dataspace", "nested region maps"],
  ["fault_handler", "page faults that a handler serves"],
  ["stress_rm", "exhaustion of a session's donation, then upgrades"],
  ["detached_dataspaces", "dataspaces that are attached nowhere while turns pass"],
  ["attachments", "one dataspace at several places, nested, for reading only"],
  ["validator", "memory that must keep its content"],
  ["rtcr_resume_child", "pause and resume"],
  ["rtcr_control", "asks a supervisor for checkpoints of a child, and to go back to them"],
  ["lock_test", "mutexes and semaphores between threads"],
  ["signal_levels", "I/O-level and application-level signals"],
  ["arbitrary_child", "a component that starts a child by itself"],
  ["passes_on", "a server that hands on the sessions that it has of its parent"],
  ["pair_server", "a server that shares a dataspace with its clients"],
  ["pair_client", "its client"],
  ["kv_server", "a key-value server"],
  ["kv_load", "its load generator"],
  ["ram_fs", "files in its memory for WASI programs"],
  ["echo_terminal", "a terminal that answers, for WASI programs and components"],
  ["terminal_client", "its client"],
  ["heap_test", "heap and sliced heap"],
  ["cruise_sensor", "cruise control: plant and samples at 1 kHz"],
  ["cruise_actuator", "cruise control: commands"],
  ["cruise_controller", "cruise control: the loop"],
  ["cruise_watchdog", "cruise control: deadlines"],
  ["cruise_logger", "cruise control: records"],
  ["adder_server", "a service with shared dataspaces"],
  ["adder_client", "calls, attachments and upgrades of sessions"],
  ["upgrades", "upgrades of sessions at servers that take their time"],
  ["memory_eater", "a leak that waits for more quota"],
  ["profiled", "scopes for profiles in two threads"],
  ["device_driver", "a serial port by interrupts, and memory with a doorbell"],
  ["tracer", "TRACE and Native_cpu sessions"],
  ["torture_sessions", "sessions in the midst of being created, upgraded and closed (torture)"],
  ["torture_caps", "capabilities in both directions of nested calls (torture)"],
  ["torture_quota", "quota that moves in a circle (torture)"],
  ["torture_waits", "waits with limits, of every kind (torture)"],
  ["torture_signals", "a storm of signals (torture)"],
  ["torture_faults", "threads at faults of maps three deep (torture)"],
  ["torture_threads", "threads that are paused, stepped, cancelled, set back and killed (torture)"],
  ["torture_rom", "ROM modules that change under their readers (torture)"],
  ["torture_manager", "an init that is reconfigured by what it reports (torture)"],
];

const ASSEMBLYSCRIPT: readonly Row[] = [
  ["as-sheep_counter", "heap, stack and an own dataspace (thesis)"],
  ["as-pair_server", "a server that shares a dataspace with its clients"],
  ["as-stack_counter", "a counter on the stack (thesis)"],
  ["as-large_stack_counter", "a nearly full stack (thesis)"],
  ["as-small_dataspaces", "many small dataspaces (thesis)"],
  ["as-large_dataspaces", "a large dataspace (thesis)"],
  ["as-profiled", "scopes for profiles"],
  ["as-device_driver", "a serial port by interrupts, in AssemblyScript"],
  ["as-reach", "what of the SDK no other component uses"],
  ["as-upgrades", "upgrades of sessions at servers that take their time"],
];

const RUST: readonly Row[] = [
  ["rs-counter", "dataspaces, timer signals and an RPC object in Rust"],
  ["rs-profiled", "scopes for profiles"],
  ["rs-adder_server", "a server in Rust, with a dataspace for each session"],
  ["rs-adder_client", "calls, capabilities, region maps and upgrades in Rust"],
  ["rs-upgrades", "upgrades while other sessions' events arrive"],
];

export const COMPONENTS: readonly ComponentApp[] = [
  ...rows("c", "c", "c", C),
  ...rows("c++", "cpp", "cpp", CPP),
  ...rows("wasi-threads", "wasi-threads", "c", THREADS),
  ...rows("assemblyscript", "assemblyscript", "ts", ASSEMBLYSCRIPT),
  ...rows("rust", "rust", "rs", RUST),
];

function rows(language: ComponentLanguage, folder: string, extension: string, list: readonly Row[]): ComponentApp[] {
  return list.map(([name, purpose]) => ({
    name,
    language,
    source: `apps/components/${folder}/${name}.${extension}`,
    purpose,
  }));
}
