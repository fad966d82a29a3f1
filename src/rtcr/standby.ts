// What is made ready while a restore waits to be told to go on (`<restore standby="yes"/>`): its children are there, with their
// programs, and get the memory that it will fill, a piece in each turn of the supervisor's event loop.
//
// I1  No program sees it: what memories hold and their sizes stay as they are, and nothing is charged (`NativePd.prepareMemory`).
//     What was allocated at the barrier of a bootstrap is charged already (ahead.ts).
// I2  Only pages that the restore will write are touched, of no child more than its quota allows, which the supervisor has given
//     it: what is resident is what will be, but for what an earlier checkpoint would have written (`renew`). Components that a
//     child keeps are not there yet; theirs are touched as they are written.
// I3  Pages that were touched for one checkpoint are not touched again for the next.
import { type PdInfo, type RecordedBytes, type SystemCheckpoint, usedRuns } from "../checkpoint/index.ts";
import { type Env, PAGE_BYTES, type PdSession, type ProgramFacts, toPages } from "../session/index.ts";
import { required } from "../util/index.ts";
import { environment } from "./components.ts";
import { PutOff } from "./put-off.ts";
import type { Restoration } from "./restoration.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** Touched in one turn. */
const PIECE_BYTES = 1 << 20;

/** Who waits, and what it shall become. */
export interface Waiting {
  readonly tracked: TrackedChild;
  readonly pd: PdInfo;
}

/** Part of a content, and where in linear memory it will lie. */
interface Placed {
  readonly address: number;
  readonly size: number;
  readonly content: RecordedBytes;
  /** Of its first byte in the content. */
  readonly offset: number;
}

/** Of a child whose memory is made ready, or is about to be. */
interface Prepared {
  /** As far as it has room. */
  end: number;
  /** By page, 1: it was touched; as many as there was room for. */
  touched: Uint8Array;
}

export class Standby {
  #children: readonly Waiting[];
  readonly #putOff: PutOff;
  readonly #ready: () => void;
  readonly #prepared = new Map<TrackedChild, Prepared>();
  #pieces: Iterator<void> | undefined;

  /** @param ready called when all is ready, once more if there was another `begin`, or a `renew` */
  constructor(env: Env, children: readonly Waiting[], ready: () => void) {
    this.#children = children;
    this.#ready = ready;
    this.#putOff = new PutOff(env, () => this.#work());
  }

  /** Prepares whatever is not prepared and fits. */
  begin(): void {
    this.#prepare(this.#children.filter((child) => !this.#prepared.has(child.tracked) && fits(child)));
  }

  /**
   * The same children shall become something else: what that needs more is prepared.
   *
   * @returns false, and nothing has changed: one of them has more ready than it may have then, and memory never shrinks
   */
  renew(children: readonly Waiting[]): boolean {
    if (!children.every((child) => this.#canBecome(child))) return false;
    this.#children = children;
    this.#pieces = undefined;
    this.#prepare(children.filter(fits));
    return true;
  }

  /** Whether each child that has memory ready may have as much. */
  get allowed(): boolean {
    return this.#children.every((child) => !this.#prepared.has(child.tracked) || fits(child));
  }

  /** What is not ready yet is left. */
  end(): void {
    this.#pieces = undefined;
    this.#putOff.finish();
  }

  #prepare(children: readonly Waiting[]): void {
    const before = this.#pieces;
    const all = children.map((child) => ({ child, prepared: this.#preparedOf(child.tracked) }));
    this.#pieces = (function* () {
      while (before && !before.next().done) yield;
      for (const { child, prepared } of all) yield* prepare(child, prepared);
    })();
    this.#putOff.begin();
  }

  #preparedOf(child: TrackedChild): Prepared {
    const known = this.#prepared.get(child) ?? { end: 0, touched: new Uint8Array(0) };
    this.#prepared.set(child, known);
    return known;
  }

  #canBecome(child: Waiting): boolean {
    const { end = 0 } = this.#prepared.get(child.tracked) ?? {};
    if (end === 0) return true;
    const { native } = environment(child.tracked).pd;
    const needs = endOf(placedOf(child.pd, native.program()));
    return end <= needs && fits(child) && native.prepareMemory(child.pd.instance, { end, from: 0, to: 0 });
  }

  #work(): boolean {
    if (!this.#pieces) return false;
    if (!this.#pieces.next().done) return true;
    this.#pieces = undefined;
    this.#ready();
    return false;
  }
}

/** A PD with less RAM than it will be charged: its restore will be refused. */
function fits({ tracked, pd }: Waiting): boolean {
  const charged = pd.dataspaces.reduce((sum, { size }) => sum + toPages(size), pd.data.length);
  const session = required<PdSession>(environment(tracked).pd.base.capability.object, "a PD");
  return charged <= session.ramQuota();
}

function* prepare({ tracked, pd }: Waiting, prepared: Prepared): Generator<void> {
  const { native } = environment(tracked).pd;
  const placed = placedOf(pd, native.program());
  const end = endOf(placed);
  prepared.touched = longer(prepared.touched, Math.ceil(end / PAGE_BYTES));
  for (const { address, size, content, offset } of placed) {
    const runs = usedRuns(content);
    for (let i = 0; i < runs.length; i += 2) {
      const first = Math.max(runs[i]!, offset);
      const last = Math.min(runs[i + 1]!, offset + size);
      for (let at = first - (first % PAGE_BYTES); at < last; at += PIECE_BYTES) {
        const from = address + at - offset;
        const to = from + Math.min(PIECE_BYTES, last - at);
        for (const range of untouched(prepared.touched, from, to)) {
          if (!native.prepareMemory(pd.instance, { end, ...range })) return;
          prepared.end = end;
          yield;
        }
      }
    }
  }
}

function longer(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes;
  const all = new Uint8Array(length);
  all.set(bytes);
  return all;
}

/** Pages of [from, to) that were not touched yet, side by side; they are noted. */
function* untouched(touched: Uint8Array, from: number, to: number): Generator<{ from: number; to: number }> {
  const last = Math.ceil(to / PAGE_BYTES);
  for (let page = from / PAGE_BYTES; page < last; page++) {
    if (touched[page] === 1) continue;
    let end = page;
    while (end < last && touched[end] === 0) touched[end++] = 1;
    yield { from: page * PAGE_BYTES, to: end * PAGE_BYTES };
    page = end;
  }
}

/** As far as linear memory will have something. */
function endOf(placed: readonly Placed[]): number {
  return Math.max(0, ...placed.map(({ address, size }) => address + size));
}

/** What of a PD's contents is attached where every component sees it: what its program began with, its address space, two areas in that. */
function placedOf(info: PdInfo, { stackArea = 0, linkerArea = 0 }: Partial<ProgramFacts> = {}): readonly Placed[] {
  const contents = new Map(info.dataspaces.map(({ badge, content }) => [badge, content]));
  const own = info.dataBadge === 0 ? [] : [{ address: 0, size: info.data.length, content: info.data, offset: 0 }];
  const maps = [
    [info.addressSpace, 0] as const,
    [info.stackArea, stackArea] as const,
    [info.linkerArea, linkerArea] as const,
  ];
  const others = maps.flatMap(([{ regions }, at]) =>
    regions.flatMap(({ dataspaceBadge, address, size, offset }): readonly Placed[] => {
      const content = contents.get(dataspaceBadge);
      return content ? [{ address: at + address, size, content, offset }] : [];
    }),
  );
  return [...own, ...others];
}

/** Who stands by, for a checkpoint of these children. */
export function waiting({ tracked }: Pick<Restoration, "tracked">, { children }: SystemCheckpoint): readonly Waiting[] {
  return tracked.map((child) => {
    const { pd } = required(
      children.find(({ name }) => name === child.name),
      "a child of the restore",
    );
    return { tracked: child, pd };
  });
}
