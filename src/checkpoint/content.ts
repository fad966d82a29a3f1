// Contents: byte arrays of any size as pages named by their SHA-256, under a hash tree.
//
//   content 200 KiB     units of 64 KiB:  U0  U1  U2  U3(8 KiB)
//                       node:             name(U0) name(U1) name(U2) name(U3)     32 bytes each
//                       root:             SHA-256 of the node
//
// I1  The tree's shape follows from the size alone: level k+1 has one name for each 256 names of level k.
// I2  A unit of zeros, and a node of zero names, is not a page: its name is 32 zero bytes (null as a root).
// I3  A changed unit changes the nodes above it and nothing else: that is what an increment writes.
// Reading trusts the pages' bytes (a store verifies them against their names), never their lengths or the announced size.
// Rejected: one flat list of names in the manifest (2 MB of JSON for each checkpoint of 1 GiB); chunks cut by content
// (memories are overwritten in place: fixed units match as well, and cost nothing to find).

import { allZero } from "../util/index.ts";
import { damagedField } from "./faults.ts";
import type { RecordedBytes } from "./granules.ts";
import { CONTENT_BYTES, NODE_NAMES, UNIT_BYTES } from "./limits.ts";
import { hashLike, type Sha256 } from "./sha256.ts";
import { addRun, type Runs } from "./used-runs.ts";

const NAME_BYTES = 32;

/** What a store keeps: bytes under the SHA-256 of the bytes. They may be a view of what is being saved; ask for them once. */
export interface Page {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A byte array as it stands in a manifest. `root` null: nothing but zeros. */
export interface Content {
  readonly sizeBytes: number;
  readonly root: string | null;
}

/** The bytes of a page, verified. Rejects when there is no such page. */
export type ReadPage = (name: string) => Promise<Uint8Array>;

/** The name of a unit that is known not to have changed since it was last written; undefined: it must be hashed. */
export type KnownUnit = (unit: number) => string | null | undefined;

/**
 * Yields the pages of `bytes` (units first, then nodes, upwards), returns the content. Yielded units are views of
 * `bytes`. Pages may be yielded more than once.
 *
 * @param known spares hashing units whose names the caller still has, see UnitNames
 * @param names receives the name of each unit, null for zeros
 */
export function* writeContent(
  bytes: RecordedBytes,
  sha256: Sha256,
  known?: KnownUnit,
  names: (string | null)[] = [],
): Generator<Page, Content> {
  names.length = 0;
  const room = bytes instanceof Uint8Array ? undefined : new Uint8Array(UNIT_BYTES);
  for (let start = 0; start < bytes.length; start += UNIT_BYTES) {
    let name = known?.(names.length);
    let unit: Uint8Array | undefined;
    if (name === undefined) {
      unit = bytes.subarray(start, start + UNIT_BYTES, room);
      name = allZero(unit) ? null : sha256(unit);
      if (unit.buffer === room?.buffer) unit = undefined; // the next one goes there
    }
    names.push(name);
    if (name !== null) yield unit ? { name, bytes: unit } : new KnownPage(name, bytes, start);
  }
  let level: readonly (string | null)[] = names;
  while (level.length > 1) level = yield* writeLevel(level, sha256);
  return { sizeBytes: bytes.length, root: level[0] ?? null };
}

/** A unit whose name is known: a store that has it asks for no bytes. */
class KnownPage implements Page {
  readonly name: string;
  readonly #of: RecordedBytes;
  readonly #start: number;

  constructor(name: string, of: RecordedBytes, start: number) {
    this.name = name;
    this.#of = of;
    this.#start = start;
  }

  get bytes(): Uint8Array {
    return this.#of.subarray(this.#start, this.#start + UNIT_BYTES);
  }
}

function* writeLevel(level: readonly (string | null)[], sha256: Sha256): Generator<Page, (string | null)[]> {
  const above: (string | null)[] = [];
  for (let start = 0; start < level.length; start += NODE_NAMES) {
    const names = level.slice(start, start + NODE_NAMES);
    if (names.every((name) => name === null)) {
      above.push(null);
      continue;
    }
    const bytes = new Uint8Array(names.length * NAME_BYTES);
    names.forEach((name, i) => {
      if (name !== null) bytes.set(Uint8Array.fromHex(name), i * NAME_BYTES);
    });
    const name = sha256(bytes);
    above.push(name);
    yield { name, bytes };
  }
  return above;
}

/** A page and where its bytes go; the target has the size that the page must have. */
export interface PageTarget {
  readonly name: string;
  readonly target: Uint8Array;
}

/** Reads many pages, verified, into their targets. Rejects when one is missing, damaged or of another size. */
export type ReadPages = (pages: readonly PageTarget[]) => Promise<void>;

/**
 * Reads a content's pages into `target`, which must be all zero and of its size.
 *
 * @param readPages reads all units at once; without it each is read by `readPage`
 * @returns what was read: all besides is zero
 */
export async function readContent(
  content: Content,
  readPage: ReadPage,
  target: Uint8Array,
  path: string,
  readPages?: ReadPages,
): Promise<Runs> {
  const units: number[] = [];
  if (readPages && content.sizeBytes > UNIT_BYTES) {
    const pages: PageTarget[] = [];
    await visitContent(content, readPage, path, async (name, unit) => {
      units.push(unit);
      pages.push({ name, target: target.subarray(unit * UNIT_BYTES, (unit + 1) * UNIT_BYTES) });
    });
    await readPages(pages);
    return runsOf(units, content.sizeBytes);
  }
  await visitContent(content, readPage, path, async (name, unit) => {
    units.push(unit);
    const start = unit * UNIT_BYTES;
    const expected = Math.min(UNIT_BYTES, content.sizeBytes - start);
    const bytes = await readPage(name);
    if (bytes.length !== expected)
      throw damagedField(path, `unit ${unit} of ${bytes.length} bytes`, `${expected} bytes`);
    target.set(bytes, start);
  });
  return runsOf(units, content.sizeBytes);
}

function runsOf(units: number[], sizeBytes: number): Runs {
  const runs: number[] = [];
  units.sort((a, b) => a - b);
  for (const unit of units) addRun(runs, unit * UNIT_BYTES, Math.min((unit + 1) * UNIT_BYTES, sizeBytes));
  return runs;
}

/** What was found to be reached: page names, and the nodes (`name/level`) whose subtrees are in `pages` already. */
export interface Reached {
  readonly pages: Set<string>;
  readonly nodes: Set<string>;
}

/** Adds the names of all pages of a content to `reached`; reads its nodes only, those reached before not again. */
export async function reachContent(
  content: Content,
  readPage: ReadPage,
  reached: Reached,
  path: string,
): Promise<void> {
  const visit = async (name: string): Promise<void> => void reached.pages.add(name);
  // The level belongs to the key: a file's unit may happen to have the bytes of a node.
  await visitContent(content, readPage, path, visit, (node, level) => {
    reached.pages.add(node);
    return reached.nodes.size === reached.nodes.add(`${node}/${level}`).size;
  });
}

/** How many levels of nodes stand above the units of a content. */
function levelsOf(sizeBytes: number): number {
  let levels = 0;
  for (let count = unitCount(sizeBytes); count > 1; count = Math.ceil(count / NODE_NAMES)) levels++;
  return levels;
}

function unitCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / UNIT_BYTES);
}

/**
 * Calls `visit` for each stored unit. The units of one node are visited concurrently, nodes one after the other.
 *
 * @param skip called with each node; true leaves its subtree out
 */
async function visitContent(
  content: Content,
  readPage: ReadPage,
  path: string,
  visit: (name: string, unit: number) => Promise<void>,
  skip?: (node: string, level: number) => boolean,
): Promise<void> {
  const units = unitCount(content.sizeBytes);
  const walk = async (name: string, level: number, first: number): Promise<void> => {
    if (level === 0) return visit(name, first);
    if (skip?.(name, level)) return;
    const span = NODE_NAMES ** (level - 1);
    const children = Math.min(NODE_NAMES, Math.ceil((units - first) / span));
    const names = readNode(await readPage(name), children, path);
    if (level === 1) await Promise.all(names.map((child, i) => child && walk(child, 0, first + i)));
    else for (const [i, child] of names.entries()) if (child) await walk(child, level - 1, first + i * span);
  };
  if (content.root !== null) await walk(content.root, levelsOf(content.sizeBytes), 0);
}

function readNode(bytes: Uint8Array, children: number, path: string): (string | undefined)[] {
  if (bytes.length !== children * NAME_BYTES) {
    throw damagedField(path, `a node of ${bytes.length} bytes`, `${children * NAME_BYTES} bytes (${children} names)`);
  }
  return Array.from({ length: children }, (_, i) => {
    const name = bytes.subarray(i * NAME_BYTES, (i + 1) * NAME_BYTES);
    return allZero(name) ? undefined : name.toHex();
  });
}

/** Checks a content as found in a manifest. */
export function requireContent(value: unknown, path: string): Content {
  const found = value as { sizeBytes?: unknown; root?: unknown } | null;
  if (found === null || typeof found !== "object" || Object.keys(found).sort().join() !== "root,sizeBytes") {
    throw damagedField(path, value, "a content: sizeBytes and root");
  }
  const { sizeBytes, root } = found;
  if (!Number.isSafeInteger(sizeBytes) || (sizeBytes as number) < 0 || (sizeBytes as number) > CONTENT_BYTES) {
    throw damagedField(`${path}.sizeBytes`, sizeBytes, `an integer from 0 to ${CONTENT_BYTES}`);
  }
  if (root !== null && !(hashLike(root) && sizeBytes !== 0)) {
    throw damagedField(`${path}.root`, root, sizeBytes === 0 ? "null" : "null or 64 hexadecimal digits");
  }
  return { sizeBytes: sizeBytes as number, root };
}
