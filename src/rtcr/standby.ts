// What is made ready while a restore waits to be told to go on (`<restore standby="yes"/>`): its children are there, with their
// programs, and get the memory that it will fill, a piece in each turn of the supervisor's event loop.
//
// I1  Nobody sees it: what memories hold, their sizes and what is charged stay as they are (`NativePd.prepareMemory`).
// I2  Only pages that the restore will write are touched, of no child more than its quota allows, which the supervisor has given
//     it: what is resident is what will be. Components that a child keeps are not there yet; theirs are touched as they are written.
import { type PdInfo, type RecordedBytes, usedRuns } from "../checkpoint/index.ts";
import { type Env, PAGE_BYTES, type PdSession, type ProgramFacts, toPages } from "../session/index.ts";
import { required } from "../util/index.ts";
import { environment } from "./components.ts";
import { PutOff } from "./put-off.ts";
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

export class Standby {
  readonly #children: readonly Waiting[];
  readonly #putOff: PutOff;
  readonly #ready: () => void;
  /** Those whose memory is made ready, or is about to be. */
  readonly #prepared = new Set<Waiting>();
  #pieces: Iterator<void> | undefined;

  /** @param ready called when all is ready, once more if there was another `begin` */
  constructor(env: Env, children: readonly Waiting[], ready: () => void) {
    this.#children = children;
    this.#ready = ready;
    this.#putOff = new PutOff(env, () => this.#work());
  }

  /** Prepares whatever is not prepared and fits. */
  begin(): void {
    const fitting = this.#children.filter((child) => !this.#prepared.has(child) && fits(child));
    for (const child of fitting) this.#prepared.add(child);
    const before = this.#pieces;
    this.#pieces = (function* () {
      while (before && !before.next().done) yield;
      for (const child of fitting) yield* prepare(child);
    })();
    this.#putOff.begin();
  }

  /** Whether each child that has memory ready may have as much. */
  get allowed(): boolean {
    return [...this.#prepared].every(fits);
  }

  /** What is not ready yet is left. */
  end(): void {
    this.#pieces = undefined;
    this.#putOff.finish();
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

function* prepare({ tracked, pd }: Waiting): Generator<void> {
  const { native } = environment(tracked).pd;
  const placed = placedOf(pd, native.program());
  const end = Math.max(0, ...placed.map(({ address, size }) => address + size));
  for (const { address, size, content, offset } of placed) {
    const runs = usedRuns(content);
    for (let i = 0; i < runs.length; i += 2) {
      const first = Math.max(runs[i]!, offset);
      const last = Math.min(runs[i + 1]!, offset + size);
      for (let at = first - (first % PAGE_BYTES); at < last; at += PIECE_BYTES) {
        const from = address + at - offset;
        const to = from + Math.min(PIECE_BYTES, last - at);
        if (!native.prepareMemory(pd.instance, { end, from, to })) return;
        yield;
      }
    }
  }
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
