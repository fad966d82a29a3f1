// Bounds of the kernel. Each is enforced where a component could exceed it.

export const KERNEL_LIMITS = {
  /** Slots of a component's capability table. */
  slots: 1 << 20,
  /** Bytes of a program. */
  programBytes: 256 << 20,
  /**
   * Bytes that a checkpoint takes of memory that a program has detached and goes on using, zero pages aside; and as many of
   * its memories beside memory 0.
   */
  detachedBytes: 64 << 20,
  /** Bytes of frames in which the threads of a component stand that goes to another CPU: some hundred thousand frames. */
  movedStackBytes: 16 << 20,
  /** Threads of a component that have not been killed. */
  threads: 4_096,
  /** Calls that wait for one entrypoint. A blocked thread makes one at most; calls of TypeScript components count too. */
  callsPerEntrypoint: 1 << 16,
  /** Capabilities that an entrypoint remembers to have been passed. */
  passed: 8,
  /** Direct dispatches within one another; deeper calls go through the scheduler. */
  nesting: 8,
  /** Signal sources that one entrypoint serves. */
  sourcesPerEntrypoint: 16,
  /** How long guests run before the event loop has its turn, in milliseconds. */
  burstMs: 8,
  /** Slices before the event loop has its turn, however short they are. */
  burstSlices: 10_000,
  /** CPUs of a machine. */
  cpus: 64,
  /** How long the kernel waits for a thread on another CPU to reach a safe point, in milliseconds. */
  stopMs: 30_000,
  /** How long the kernel waits for another CPU to do what it was asked to, before it takes it for lost, in milliseconds. */
  replyMs: 30_000,
  /** Time slice in milliseconds. */
  sliceMs: 4,
  /** Deadlines are sums of milliseconds: they may come so much too early, rather than too late by a whole turn. */
  deadlineErrorMs: 2e-6,
  /** Ranks of threads that a checkpoint can have: numbers of new threads come behind them, and stay whole. */
  ranks: 2 ** 52,
  /** Longest wait of a timer in milliseconds; longer waits are renewed. */
  timerMs: 2 ** 31 - 1,
} as const;
