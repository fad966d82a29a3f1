// Components that a child keeps itself: those that a guest has started with sessions of its own, and the children of an init
// that is RTCR's child, however deep. All that they have of the system they have by sessions of RTCR's child, so RTCR stands
// in front of it already: what makes a component of them is a further PD session, and further CPU sessions for its threads.
import { type Capability, ENV_SESSION, INVALID, readSessionArgs, type VisitSlot } from "../session/index.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { RecordWriter } from "./record-writer.ts";
import { RtcrRom } from "./rom.ts";
import type { Interposer, TrackedChild } from "./tracked-child.ts";

/** The child's own PD and CPU session. @throws RtcrFault "unsaveable" before it has them */
export function environment(child: TrackedChild): { readonly pd: RtcrPd; readonly cpu: RtcrCpu } {
  const cpu = withId(child.of(RtcrCpu), ENV_SESSION.cpu);
  return { pd: environmentPd(child), cpu: cpu ?? incomplete(child) };
}

/** The child's own PD. @throws RtcrFault "unsaveable" before it has one */
export function environmentPd(child: TrackedChild): RtcrPd {
  return withId(child.of(RtcrPd), ENV_SESSION.pd) ?? incomplete(child);
}

function incomplete({ name }: TrackedChild): never {
  throw new RtcrFault("unsaveable", "it has no PD yet", { child: name });
}

/** The session of an id that the child has chosen. */
export function withId<T extends Interposer>(sessions: readonly T[], id: number): T | undefined {
  for (let i = 0; i < sessions.length; i++) if (sessions[i]!.base.id === id) return sessions[i];
  return undefined;
}

const names = new WeakMap<RtcrPd, string>();

/** As the child that keeps it calls it. */
export function componentName(pd: RtcrPd): string {
  let name = names.get(pd);
  if (name === undefined) {
    const args = readSessionArgs(pd.base.creationArgs);
    names.set(pd, (name = (args.ok && args.value.get("label")) || ""));
  }
  return name;
}

/** @throws RtcrFault "unsaveable", "busy" */
export function writeComponent(records: RecordWriter, child: TrackedChild, pd: RtcrPd, unattached: boolean): void {
  const { native, account, assigned, passesOn } = pd;
  const program = passesOn ? undefined : native.program();
  const name = componentName(pd);
  if (program && !isFromRom(child, native.binary)) {
    const message = `component "${name}": its program is not from a ROM session that is open: it could not be loaded again`;
    throw new RtcrFault("unsaveable", message, { child: child.name, component: name });
  }
  records.text(name);
  records.text(program?.module ?? "");
  records.flag(program?.windows ?? false);
  records.flag(native.growthRequests);
  records.number(program ? native.binary.badge : 0);
  records.badge(passesOn ? INVALID : assigned);
  records.badge(passesOn ? INVALID : account);
  try {
    writeInstance(records, pd, unattached);
  } catch (thrown) {
    throw named(`component "${name}"`, thrown);
  }
  pd.checkpoint(records);
  pd.checkpointDataspaces(records);
  writeSlots(records, pd);
}

function isFromRom(child: TrackedChild, binary: Capability): boolean {
  const roms = child.of(RtcrRom);
  for (let i = 0; i < roms.length; i++) if (roms[i]!.current === binary) return binary.valid;
  return false;
}

/** Whether a component's program is one in TypeScript, and recorded with it: what it holds is written late. */
export function isNative({ native, passesOn }: RtcrPd): boolean {
  return !passesOn && native.program()?.native !== undefined;
}

/** Which program in TypeScript it is, or what another one has outside dataspaces. */
export function writeInstance(records: RecordWriter, pd: RtcrPd, unattached: boolean): void {
  const name = isNative(pd) ? (pd.native.program()?.native ?? "") : "";
  records.text(name);
  if (pd.passesOn) records.plain(null);
  else if (name === "") pd.checkpointInstance(records, unattached);
}

/** The table of a component, if its program is recorded with it; that of one in TypeScript is there when its state has been captured. */
export function writeSlots(records: RecordWriter, pd: RtcrPd): void {
  const begin = records.beginList();
  let count = 0;
  if (!isNative(pd) && !pd.passesOn) count = writeEachSlot(records, pd);
  records.endList(begin, count);
}

/** What writes slots is made once, as a pause writes those of every component. */
const slots: { records: RecordWriter | undefined; count: number; readonly visit: VisitSlot } = {
  records: undefined,
  count: 0,
  visit: (slot, capability, references) => {
    slots.records!.number(slot);
    slots.records!.badge(capability);
    slots.records!.number(references);
    slots.count++;
  },
};

function writeEachSlot(records: RecordWriter, { native }: RtcrPd): number {
  slots.records = records;
  slots.count = 0;
  native.eachSlot(slots.visit);
  slots.records = undefined;
  return slots.count;
}

/** What a program in TypeScript holds. */
export function writeProgram(records: RecordWriter, pd: RtcrPd): void {
  pd.checkpointInstance(records, false);
  const table = records.beginList();
  records.endList(table, writeEachSlot(records, pd));
  const served = pd.native.served();
  const begin = records.beginList();
  for (const { badge } of served) records.number(badge);
  records.endList(begin, served.length);
}

/** Says of what is unsaveable, or not now, whose it is. */
export function naming<T>(owner: string, body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    throw named(owner, thrown);
  }
}

/** What is to be thrown for it. */
export function named(owner: string, thrown: unknown): unknown {
  if (!(thrown instanceof RtcrFault) || (thrown.code !== "unsaveable" && thrown.code !== "busy")) return thrown;
  return new RtcrFault(thrown.code, `${owner}: ${thrown.message}`, { ...thrown.detail, owner }, thrown);
}
