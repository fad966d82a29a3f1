// The 126 rows of the functional specification, as short titles; tests name the rows they cover (`S17: ...`).

export interface SpecRow {
  readonly number: number;
  readonly group: string;
  readonly title: string;
}

const GROUPS: readonly (readonly [group: string, titles: readonly string[]])[] = [
  [
    "Objects and capabilities",
    [
      "Caps are unforgeable references; a component can use only caps in its own table; guessing numbers fails",
      "Invalid cap is representable and every call on it fails in a defined way",
      "Caps can be passed as RPC arguments and results; the receiver gets its own slot; same object, same badge",
      "Destroying an object invalidates all caps to it in all components",
      "Freed badges may be reused; a stale cap must not reach the new object",
      "A component cannot touch memory or objects of another except through caps",
    ],
  ],
  [
    "PD session and quota",
    [
      "All functions of spec 2.1 exist with the errors listed",
      "`alloc` rounds to pages, zero-fills, charges RAM and 1 cap, rolls back on failure; size 0 gives an invalid cap",
      "`free` detaches everywhere, refunds RAM and cap; foreign caps ignored",
      "Cap accounting for dataspaces, contexts, sources, RPC caps",
      "`transfer_quota` only along the reference-account relation; initial donation not transferable; self = no-op",
      "`ref_account` effective once",
      "Destroying a PD returns quota to the reference account and re-parents members",
      "A leaking child exhausts only itself",
    ],
  ],
  [
    "Dataspaces and region maps",
    [
      "Attach with size, offset, fixed address, executable, writeable; all error cases of 2.2",
      "Automatic placement by natural alignment; overlap refused",
      "Detach of unknown address harmless; detach inside a region removes it whole",
      "One dataspace attached several times, partly, and in several components shares bytes",
      "Managed dataspaces: nested maps to depth >= 3; unattached holes fault",
      "Faults: type, address, handler signal, thread resumes on later attach; no handler = thread stays stopped",
      "Write to read-only and execute of non-executable fault",
      "Address space, stack area, linker area per PD",
      "RM session: create, destroy (does not hang), quota exhaustion then upgrade",
    ],
  ],
  [
    "CPU session and threads",
    [
      "Create, start, kill thread; names, weights, affinity, errors",
      "Pause is idempotent, resume continues exactly; pause/resume 10,000 times without loss",
      "Read and write thread state incl. SP and IP equivalents",
      "Exception handler per thread and per session with precedence",
      "Affinity space and CPU quota by weight",
      "Native_cpu interface translates intercepted thread caps",
      "`cancel_blocking`",
    ],
  ],
  [
    "Signals, RPC, entrypoint",
    [
      "Submit never blocks; signals merged and counted; handler runs once per batch; no payload",
      "Context destroyed with signals pending: dropped, warning, no crash",
      "One source per PD, source blocks, queue FIFO per context",
      "Entrypoint serializes RPC and signals, fair alternation; self-call deadlock documented or detected",
      "I/O-level versus application-level signals, deferral",
      "RPC errors: invalid opcode, dead object, declared errors travel as values",
    ],
  ],
  [
    "Parent protocol",
    [
      "Environment sessions with ids 1..5; own id choice; conflicts refused",
      "Synchronous and asynchronous session creation, `session_cap` pick-up",
      "Quota donation transactional child -> parent -> server, with book-keeping cut",
      "Upgrade and close return quota exactly; sum of all quotas is constant over any sequence (property test)",
      "Errors `Service_denied`, `Insufficient_*`, `Out_of_*` at the right side",
      "Sibling servers through `session_requests`",
      "Client and server death in every phase",
      "Resource request blocks by default, custom handler does not; later grant wakes",
      "Yield request and response",
      "Exit reported with value; exit propagation",
      "Heartbeats and skipped heartbeats",
      "Heap and sliced heap behaviour of 2.13",
    ],
  ],
  [
    "Init",
    [
      "Every element and attribute of 3.1 parsed; unknown ones tolerated",
      "Routing algorithm incl. wildcards, label conditions, alias, ambiguity",
      "Quota clamping, preserve, defaults, effective quota",
      "Priority levels, affinity, CPU percentage",
      "Live reconfiguration: config update without restart; restart on route/binary/version change; downgrade before upgrade",
      "State report in all detail levels, rate limit, overflow case",
      "Init nested in init with forwarded services",
    ],
  ],
  [
    "Other core services",
    [
      "ROM incl. dynamic update and signal",
      "LOG incl. length limit and labels",
      "Timer incl. one-shot, periodic, re-arming, cancel, elapsed",
      "TRACE subjects, policies, buffers",
      "IO_MEM, IO_PORT, IRQ at least as defined stubs",
      "Report and report_rom",
    ],
  ],
  [
    "Interception",
    [
      "PD, CPU, Native_cpu, RM, ROM, LOG, Timer intercepted; behaviour seen by the child identical with and without (differential test over all functions)",
      "ROM interception effective (not bypassed)",
      "Several sessions per service and child recorded",
      "Several children under one supervisor",
      "Upgrades reach the wrapped session",
      "Unintercepted services are routed to the parent and reported as not restorable",
      "Functional classes own exactly one cap; creation allocates, destruction frees, copy impossible",
      "Removal is one pass / constant time; nothing waits for the next checkpoint",
      "Info classes immutable, no link to functional classes; code outside cannot reach internals",
    ],
  ],
  [
    "Checkpoint",
    [
      "Pause, checkpoint, resume; child continues correctly afterwards",
      "All fields of 1.4 recorded, plus writeable flag, timer remaining time, allocation counter",
      "Lists ordered by allocation time",
      "Each checkpoint a fresh immutable object; many kept; later changes of the child do not alter them",
      "Parallel mode gives the same result as sequential; order and join as in 1.7",
      "Worker affinity from configuration",
      "Human-readable printing of a checkpoint incl. correct interval ends",
      "Storage provider instead of heap",
      "Checkpoint while threads wait in RPC, sleep, signal wait",
      "Consistency: no torn state when other components write shared memory or send signals",
      "Timing report through Report",
    ],
  ],
  [
    "Restore, strategy A",
    [
      "One dataspace; all mandatory dataspaces; additionally allocated dataspaces (the three memory goals)",
      "One thread with stack and instruction position (the thread goal)",
      "Order of helper steps: pause, repair, remaining dataspaces, registers, resume",
      "`restore_thread` false when nothing is recorded; then fresh start",
      "Size and attribute checks per index; deviation is an error, not a silent copy",
      "Attachments restored with address, size, offset, flags, several per dataspace, nested maps",
      "Counter programs continue with the next number; no repeated or skipped value",
      "Restore several times from one checkpoint; restore an older one after a newer",
      "Restore in another process/host after serialization",
    ],
  ],
  [
    "Restore, strategy B and completeness",
    [
      "Supervisor-led bootstrap without barrier",
      "All threads, not only `ep`",
      "Signal sources, contexts, RPC objects, CPU and RM sessions, region maps",
      "Capability table: same slot, corresponding object, badges in memory translated",
      "LOG, ROM, Timer session state incl. handlers and timeouts",
      "Sessions of services outside the supervisor are re-opened or refused with a clear report",
      "Both strategies give the same observable result on all tests",
    ],
  ],
  [
    "Stack",
    [
      "Stack repair between recorded SP and barrier SP",
      "Only lower bound, then both bounds; byte counts asserted",
      "No double copy of stack dataspaces",
      "Growth direction handled or detected",
    ],
  ],
  [
    "Transparency and robustness",
    [
      "Unmodified child binary",
      "Dataspaces allocated but detached",
      "Caps to restored dataspaces usable",
      "Works with the upstream platform unchanged (in a rebuild: no special build of the base library for checkpointable components)",
      "Crash of child during checkpoint or restore leaves supervisor usable and quota balanced",
      "Corrupt, truncated or foreign image rejected",
    ],
  ],
  [
    "Variants",
    [
      "Incremental checkpoint with granularity in pages; first write after checkpoint marks; only marked parts copied; result equal to full",
      "Redundant memory: writes mirrored, snapshots flattened, fixed number of slots (>= 3)",
      "Replaceable copy engine with fall-back (hardware copy analogue)",
      "Modules chosen at compile time by type parameter; no run-time registry needed; optional by name",
      "New module can override session class, copy hooks, private data, configuration",
    ],
  ],
  [
    "Serialization",
    [
      "Round trip equal field by field, incl. name and order",
      "Compression, size header, page-aligned attachments, optional binary",
      "Versioned format",
    ],
  ],
  [
    "Tests, benchmark, profiler",
    [
      "The five test programs and the older ones of 5.1",
      "Benchmark program with configurable child and iterations",
      "Profiler scopes, zero cost when off, JSON shape, filter, merge, analyzer, plot",
      "Analyzer aborts on differing order; result file re-plottable",
      "20 runs, mean, spread, clock of at least \u00b5s resolution",
      "Tables of 5.5 reproduced in shape; relations hold",
      "Realistic application and long-run test",
    ],
  ],
  [
    "Quality",
    [
      "Log levels, format `[TYPE]:[FILE]:[LINE]:[MESSAGE]`, colours, silent by default",
      "All compiler warnings on and treated as findings",
      "No global mutable state in checkpoints; deterministic bootstrap verified by a test",
      'Library usable without optional runtimes (analogue of "no libc")',
    ],
  ],
];

/** All rows in their order, numbered from 1. */
export const SPEC_ROWS: readonly SpecRow[] = GROUPS.flatMap(([group, titles]) =>
  titles.map((title) => ({ group, title })),
).map((row, index) => ({ number: index + 1, ...row }));
