// The guest's side of a call: message buffer, status codes, kernel imports. Versions: docs/GUEST-ABI.md. The guest SDKs'
// constants are generated from here and from rpc.ts (scripts/generate-guest-abi.ts).
//
// Message buffer, in the component's memory, aligned to 4; the reply overwrites the request:
//   0   u32      bytes of data
//   4   u32      number of capabilities
//   8   u32[8]   slots; 0 is the invalid capability
//   40  u8[1024] data

/** The module that components import. The number is the version of everything in this file and in rpc.ts. */
export const KERNEL_MODULE = "rtcr_kernel_v1";

export const MESSAGE = {
  bytes: 0,
  capabilities: 4,
  slots: 8,
  data: 40,
  /** Most capabilities in a message. */
  maxCapabilities: 8,
  /** Most bytes of data. */
  maxBytes: 1024,
  sizeBytes: 1064,
} as const;

/** What `call` returns. Errors that an interface declares travel in the reply's first word instead. */
export const CALL_STATUS = {
  ok: 0,
  /** The capability is invalid or its object is dead. */
  invalidObject: 1,
  invalidOpcode: 2,
  /** `cancel_blocking` ended the call. */
  blockingCanceled: 3,
  /** The call would wait for the thread that makes it. */
  deadlock: 4,
  /** The message buffer does not lie in the component's memory, or says more than fits. */
  badMessage: 5,
} as const;

/** What `wait` (futex) returns. */
export const FUTEX = { woken: 0, notEqual: 1, timedOut: 2, canceled: 3, badAddress: 4 } as const;

/** Kinds of dispatches that an entrypoint's function is called with. */
export const DISPATCH = {
  /** An RPC: `object` is the server's own slot of the called capability, `value` the opcode. Returns a CALL_STATUS. */
  rpc: 0,
  /** A signal: `object` is the context's imprint, `value` the count. */
  signal: 1,
  /** Somebody called `ep_wakeup` for this entrypoint. */
  wakeup: 2,
} as const;

/** Functions of KERNEL_MODULE. All numbers are i32 unless marked. */
export const KERNEL_IMPORTS = {
  /** (capability, opcode, message) -> CALL_STATUS. Blocks until the reply. */
  call: "call",
  /** (dispatch, argument, message): when this thread's function returns it serves: `dispatch(argument, kind, object, value)` */
  serve: "serve",
  /** (capability of a signal source): signals of that source are dispatched to this thread once it serves. */
  serveSignals: "serve_signals",
  /** (thread capability): queues one `wakeup` dispatch at an entrypoint, unless one is queued already. */
  epWakeup: "ep_wakeup",
  /** (message): in a dispatch: serves exactly one `wakeup` dispatch in this thread, blocking until there is one. */
  epWaitWakeup: "ep_wait_wakeup",
  /** (address, expected, timeout ns i64, negative for ever) -> FUTEX */
  futexWait: "futex_wait",
  /** (address, most) -> woken */
  futexWake: "futex_wake",
  /** (slot) -> the slot, which names its object for as long as it is held; 0 if it denotes nothing (any more) */
  capBadge: "cap_badge",
  /** (slot): one reference more */
  capRetain: "cap_retain",
  /** (slot): one reference less; at none the slot is free */
  capRelease: "cap_release",
  /** () -> slot of the parent capability */
  parent: "parent",
  /** () -> slot of the calling thread's capability */
  self: "self",
  /** (): gives way to other threads */
  yield: "yield",
  /** (name, its bytes, SCOPE_COLORS index) -> what `scope_end` is given; 0: it is not recorded */
  scopeBegin: "scope_begin",
  /** (what `scope_begin` has returned) */
  scopeEnd: "scope_end",
} as const;

/** Colours of scopes, by the numbers that components give. */
export const SCOPE_COLORS = ["red", "blue", "violet", "green", "gray"] as const;

/**
 * Where the areas lie in a component's address space, in bytes: its program in the linear memory's beginning, which is the
 * linker area; a thread's stack at the end of a slot of the stack area. What is attached without address lies behind.
 */
export const ADDRESS_SPACE = {
  linkerArea: 0,
  stackArea: 160 << 20,
  stackAreaBytes: 256 << 20,
  stackSlotBytes: 1 << 20,
} as const;

/** Exports that the kernel looks for in a component. */
export const KERNEL_EXPORTS = {
  /** What the initial thread calls when it is started with ip 0; a WASI command's `_start` otherwise. */
  entry: "rtcr_component_start",
  /** An immutable global: the address of a word that is not 0 while scopes are recorded. Absent: the program has none. */
  profiling: "rtcr_profiling",
} as const;
