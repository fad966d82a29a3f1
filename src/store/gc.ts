// Garbage collection of a directory store: the only place that deletes pages and manifests.
//
// Goal: nothing that a root reaches is ever missing, not even when we are killed half way.
//   mark      read every root, its manifest and the nodes below; refuse if anything reached is unreadable or missing
//   rewrite   segments with much garbage: reachable pages go to new segments, synced, renamed, directory synced
//   sweep     manifests without root, then segments without anything reachable, then leavings of dead writers
// I1  Nothing is deleted before the mark is complete, and no segment before its reachable pages are safe elsewhere.
// I2  No writer is at work (lock.ts), so nobody counts on a page that is about to go.
// I3  Killed at any point, a next run finds a store with the same checkpoints, and more garbage at most.
// Deletions are not synced: one that is undone by a power failure leaves garbage, no more.

import { hashLike, type Reached, reachImage } from "../checkpoint/index.ts";
import type { DirectoryHost } from "./directory.ts";
import { errnoOf } from "./faults.ts";
import type { Lock, Locks } from "./lock.ts";
import type { SegmentEntry } from "./segment-format.ts";
import { SegmentWriter } from "./segment-writer.ts";
import type { Segments } from "./segments.ts";
import type { GcReport, Listing } from "./types.ts";

/** A segment is rewritten when more than this part of its stored bytes is unreachable. */
export const DEAD_RATIO = 0.25;

export interface GcContext {
  readonly host: DirectoryHost;
  readonly path: string;
  readonly segments: Segments;
  readonly segmentBytes: number;
  readonly locks: Locks;
  readonly lock: Lock;
  readonly deadRatio: number;
  readonly dryRun: boolean;
  readonly list: () => Promise<Listing>;
  readonly readManifest: (id: string) => Promise<Uint8Array>;
}

/** What is to become of one segment. */
interface Plan {
  readonly segment: string;
  readonly live: readonly SegmentEntry[];
  readonly deadPages: number;
  readonly deadBytes: number;
  readonly storedBytes: number;
}

/** Collects garbage; the caller holds the lock. */
export async function collectGarbage(context: GcContext): Promise<GcReport> {
  const { host, path, segments, locks, lock } = context;
  await segments.refresh();
  const { ids, reached } = await mark(context);
  const plans = [...segments.loaded].map(([segment, entries]) => plan(segments, segment, entries, reached.pages));
  const rewrite = plans.filter((item) => item.live.length > 0 && item.deadBytes > context.deadRatio * item.storedBytes);
  if (context.dryRun) return foresee(context, ids, plans, rewrite);
  const written = rewrite.length > 0 ? await rewriteSegments(context, rewrite) : new Set<string>();
  // The rewritten form of one segment may be another one that was there: equal pages in equal order have equal names.
  const useless = plans.filter((item) => item.live.length === 0 || rewrite.includes(item));
  const doomed = useless.filter(({ segment }) => !written.has(segment));
  await lock.requireHeld();
  const manifests = (await host.files.list(`${path}/manifests`)).filter((name) => hashLike(name) && !ids.has(name));
  for (const id of manifests) await remove(host, `${path}/manifests/${id}`);
  for (const { segment } of doomed) await remove(host, `${path}/segments/${segment}`);
  for (const segment of segments.damaged.keys()) await remove(host, `${path}/segments/${segment}`); // nothing reached lies there
  await sweepTemporaries(context, await locks.liveTokens());
  const before = new Set(segments.names());
  await segments.refresh();
  const kept = new Set(segments.names());
  return {
    deletedManifests: manifests.length,
    deletedPages: before.difference(kept).size,
    freedBytes: doomed.reduce((sum, item) => sum + item.deadBytes, 0),
    keptPages: kept.size,
    rewrittenSegments: rewrite.length,
  };
}

/** What a collection would come to. */
async function foresee(
  { host, path }: GcContext,
  ids: ReadonlySet<string>,
  plans: readonly Plan[],
  rewrite: readonly Plan[],
): Promise<GcReport> {
  const manifests = (await host.files.list(`${path}/manifests`)).filter((name) => hashLike(name) && !ids.has(name));
  const affected = plans.filter((item) => item.live.length === 0 || rewrite.includes(item));
  const dead = affected.reduce((sum, item) => sum + item.deadPages, 0);
  return {
    deletedManifests: manifests.length,
    deletedPages: dead,
    freedBytes: affected.reduce((sum, item) => sum + item.deadBytes, 0),
    keptPages: plans.reduce((sum, item) => sum + item.live.length + item.deadPages, 0) - dead,
    rewrittenSegments: rewrite.length,
  };
}

async function mark({ list, readManifest, segments }: GcContext): Promise<{ ids: Set<string>; reached: Reached }> {
  const { roots, damaged } = await list();
  for (const fault of damaged) throw fault;
  const ids = new Set(roots.map((root) => root.id));
  const reached: Reached = { pages: new Set(), nodes: new Set() };
  for (const id of ids) {
    await reachImage(await readManifest(id), (name) => segments.read(name), reached);
  }
  for (const page of reached.pages) if (!segments.place(page)) throw segments.absence(page);
  return { ids, reached };
}

/** A page that lies in several segments lives where `segments` looks for it. */
function plan(
  segments: Segments,
  segment: string,
  entries: readonly SegmentEntry[],
  reached: ReadonlySet<string>,
): Plan {
  const live = entries.filter(({ name }) => reached.has(name) && segments.place(name)?.segment === segment);
  const sum = (list: readonly SegmentEntry[]): number => list.reduce((bytes, entry) => bytes + entry.storedBytes, 0);
  const storedBytes = sum(entries);
  const deadPages = entries.length - live.length;
  return { segment, live, deadPages, storedBytes, deadBytes: storedBytes - sum(live) };
}

/** Copies the reachable pages of some segments as they are stored, each verified first. Returns the new segments. */
async function rewriteSegments(context: GcContext, plans: readonly Plan[]): Promise<Set<string>> {
  const { host, path, segments, segmentBytes, lock } = context;
  const written = new Set<string>();
  let writer: SegmentWriter | undefined;
  const seal = async (): Promise<void> => {
    if (writer) written.add((await writer.seal(`${path}/segments`, host.sha256)).name);
    writer = undefined;
  };
  let count = 0;
  try {
    for (const { segment, live } of plans) {
      for (const entry of live) {
        await segments.readAt({ ...entry, segment });
        const stored = await segments.readStored({ ...entry, segment });
        writer ??= await SegmentWriter.create(host.files, `${path}/tmp/${lock.token}.${++count}`);
        await writer.append(entry.name, entry.sizeBytes, entry.codec, stored);
        if (writer.storedBytes >= segmentBytes) await seal();
      }
    }
    await seal();
  } catch (thrown) {
    await writer?.abandon();
    throw thrown;
  }
  await host.files.syncDirectory(`${path}/segments`);
  return written;
}

/** What writers left in tmp/ whose locks are no more. */
async function sweepTemporaries({ host, path }: GcContext, live: ReadonlySet<string>): Promise<void> {
  for (const file of await host.files.list(`${path}/tmp`)) {
    const token = file.slice(0, file.indexOf("."));
    if (!live.has(token)) await remove(host, `${path}/tmp/${file}`);
  }
}

async function remove(host: DirectoryHost, path: string): Promise<void> {
  try {
    await host.files.remove(path);
  } catch (thrown) {
    if (errnoOf(thrown) !== "ENOENT") throw thrown;
  }
}
