// Increments in the torture of a system (S108): each is compared with a full checkpoint of the same moment, and once more when
// the children have gone on.
import { isDeepStrictEqual } from "node:util";
import { compareSystems, type SystemCheckpoint, whole } from "../../checkpoint/index.ts";
import type { Lease, Rtcr } from "../../rtcr/index.ts";
import { CliFailure, EXIT } from "../failure.ts";

interface Compared {
  readonly system: SystemCheckpoint;
  readonly lease: Pick<Lease, "release">;
  readonly full: SystemCheckpoint;
  readonly point: number;
}

/** Increments that live at once. */
const LIVING = 3;

export class Increments {
  /** Oldest first. */
  readonly #living: Compared[] = [];
  #compared = 0;

  /** How many were compared. */
  get compared(): number {
    return this.#compared;
  }

  /**
   * A checkpoint of all children of a supervisor, which stand still.
   *
   * @throws CliFailure if it is an increment, and differs from a full one, or one before has changed
   */
  take(rtcr: Rtcr, point: number): SystemCheckpoint {
    if (!rtcr.incremental) return rtcr.checkpoint("torture").system;
    const full = rtcr.checkpoint("torture", undefined, undefined, { full: true }).system;
    const { system, lease } = rtcr.checkpoint("torture");
    this.#living.push({ system, lease, full, point });
    for (const each of this.#living) requireSame(each, point);
    if (this.#living.length > LIVING) this.#drop();
    this.#compared++;
    return system;
  }

  /** One in the middle goes before those around it. */
  #drop(): void {
    const [dropped] = this.#living.splice(1, 1);
    dropped?.lease.release();
  }
}

function requireSame({ system, full, point }: Compared, now: number): void {
  const found = { ...whole(system), created: "" };
  const expected = { ...full, created: "" };
  if (isDeepStrictEqual(found, expected)) return;
  const when = point === now ? "" : `, looked at at point ${now},`;
  const message = `the increment of safe point ${point}${when} is not what a full checkpoint is: ${difference(expected, found)}`;
  throw new CliFailure(EXIT.failed, message);
}

function difference(expected: SystemCheckpoint, found: SystemCheckpoint): string {
  const { children } = compareSystems(expected, found);
  for (const { name, dataspaces, fields, added, removed } of children) {
    const [dataspace, field, object] = [dataspaces[0], fields[0], added[0] ?? removed[0]];
    if (dataspace) return `${dataspace.changedPages} pages of ${dataspace.role} of "${name}"`;
    if (field) return `${field.field} of ${field.kind} ${field.allocated} of "${name}"`;
    if (object) return `${object.kind} ${object.allocated} of "${name}"`;
  }
  const other = expected.children.find((child, i) => !isDeepStrictEqual(child, found.children[i]));
  return other ? `records of "${other.name}"` : "calls, or children that have exited";
}
