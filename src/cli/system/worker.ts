// The thread that a system runs in: core, and init as the first component. Threads can be given a stack, a process's main
// thread cannot, and the main thread stays free for signals and changes of the configuration.

import { createHash } from "node:crypto";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type SystemCheckpoint, sendable } from "../../checkpoint/index.ts";
import { Core, inspectComponents, VirtualClock } from "../../core/index.ts";
import { startNodeCpu } from "../../core/index-node.ts";
import { INIT_PROGRAM } from "../../init/index.ts";
import { componentWasi, deterministicWasi } from "../../machine/component-wasi.ts";
import { NATIVE_PROGRAMS } from "../../native/index.ts";
import { RTCR_PROGRAM, RtcrFault, rtcrProgram, startLog } from "../../rtcr/index.ts";
import { required } from "../../util/index.ts";
import { toFailure } from "../failure.ts";
import { systemDevices, systemFiles, systemTerminals } from "./host.ts";
import { measure } from "./measure.ts";
import type { FromSystem, SentCheckpoint, SystemSpec, ToSystem, WantedCheckpoint } from "./protocol.ts";
import { Supervisors } from "./supervisors.ts";

const spec = workerData as SystemSpec;
const port: MessagePort = required(parentPort, "the command's end");

function say(message: FromSystem): void {
  port.postMessage(message);
}

function fail(thrown: unknown): void {
  const { exitCode, message, hint } = toFailure(thrown);
  say({ type: "failed", exitCode, message, hint });
}

/** The system is being taken down: what is cut off by that is no news. */
let ending = false;

function run(): void {
  const terminals = systemTerminals(say);
  const files = systemFiles(spec.directories);
  if (spec.log) startLog({ ...spec.log, sink: (text) => say({ type: "log", text }) });
  const supervisors = new Supervisors({
    core: () => core,
    restore: spec.restore,
    spare: {
      standing: () => say({ type: "standing-by" }),
      refused: ({ message }) => say({ type: "warning", text: message }),
    },
    made: (system, hold) => say({ type: "made", checkpoint: held.sent(system, hold()) }),
    restored: (outcome) => {
      if (outcome instanceof RtcrFault) fail(outcome);
      else say({ type: "restored", repairs: outcome });
    },
  });
  const core: Core = new Core({
    quota: spec.quota,
    modules: spec.modules,
    cpus: spec.cpus,
    // A deterministic system runs on one CPU, whatever is placed where.
    ...(spec.deterministic ? {} : { startCpu: startNodeCpu }),
    programs: new Map([...NATIVE_PROGRAMS, [RTCR_PROGRAM, rtcrProgram(supervisors)]]),
    output: (text) => say({ type: "line", text }),
    warn: (text) => {
      if (!ending) say({ type: "warning", text });
    },
    reported: (label, report) => say({ type: "report", label, text: new TextDecoder().decode(report) }),
    devices: systemDevices(spec.devices, say),
    terminals: terminals.open,
    ...(files ? { files } : {}),
    wasi: spec.deterministic ? deterministicWasi : componentWasi,
    ...(spec.deterministic ? { clock: new VirtualClock(), deterministic: true } : {}),
    hash: (bytes) => createHash("sha256").update(bytes).digest("hex"),
    kernel: { failed: fail },
  });
  const encoder = new TextEncoder();
  const measured = spec.profile ? measure(core) : undefined;
  const config = core.modules.dynamic("config", encoder.encode(spec.config));
  const end = (value: number) => {
    ending = true;
    if (measured) say({ type: "scopes", ...measured() });
    core.dispose();
    say({ type: "ended", value });
  };
  port.on("message", (message: ToSystem) => {
    if (message.type === "config") config.change(encoder.encode(message.text));
    else if (message.type === "stop") end(0);
    else if (message.type === "inspect") say({ type: "components", components: inspectComponents(core) });
    else if (message.type === "checkpoint")
      void prepared(supervisors, message).then(() => {
        if (!ending) say(checkpoint(core, supervisors, message));
      });
    else if (message.type === "release") held.release(message.held);
    else if (message.type === "renew") supervisors.spare.renew(message.system);
    else if (message.type === "proceed") supervisors.spare.proceed();
    else if (message.type === "resume") core.kernel.scheduler.resume();
    else {
      terminals.input(message.bytes);
      for (const component of core.kernel.components) component.wake();
    }
  });
  const first = core.start({ name: "init", binary: INIT_PROGRAM });
  void first.exited.then(end);
}

/** Storage of checkpoints that the command reads. */
class Held {
  readonly #releases = new Map<number, () => void>();
  #next = 1;

  sent(system: SystemCheckpoint, release: () => void): SentCheckpoint {
    const held = this.#next++;
    this.#releases.set(held, release);
    return { system: sendable(system), held };
  }

  release(held: number): void {
    this.#releases.get(held)?.();
    this.#releases.delete(held);
  }
}

const held = new Held();

/** There is memory for a checkpoint, and the system has run meanwhile. What stands in the way is told by the checkpoint. */
async function prepared(supervisors: Supervisors, { name, children }: WantedCheckpoint): Promise<void> {
  if (spec.deterministic) return; // what comes from outside comes between two slices
  await supervisors.prepare(name, children).catch(() => {});
}

/** One answer, whatever comes of it. With `stop` nothing runs any more if it has been made, until "resume" or "stop". */
function checkpoint(core: Core, supervisors: Supervisors, wanted: WantedCheckpoint): FromSystem {
  const { scheduler } = core.kernel;
  const begin = performance.now();
  if (wanted.stop) scheduler.freeze(); // first: on other CPUs threads go on as soon as it is made
  try {
    const { system, lease } = supervisors.checkpoint(wanted.name, wanted.children, wanted.parent);
    const pausedMs = performance.now() - begin;
    return { type: "checkpoint", made: { ...held.sent(system, () => lease.release()), pausedMs } };
  } catch (thrown) {
    if (wanted.stop) scheduler.resume();
    const { exitCode, message, hint } = toFailure(thrown);
    return { type: "checkpoint", refused: { exitCode, message, hint } };
  }
}

try {
  run();
} catch (thrown) {
  fail(thrown);
}
