// What the engine's own counters say of the pauses of checkpoints (thesis 7.1).
import assert from "node:assert/strict";
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Recorder, startProfile, stopProfile } from "../../src/profile/index.ts";
import type { Rtcr } from "../../src/rtcr/index.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** The engine's counters at one moment. */
interface Counters {
  readonly timeMs: number;
  /** Bytes in use on the heap: what is allocated until the next collection adds to them. */
  readonly heap: number;
  /** Bytes of all backing stores. */
  readonly arrayBuffers: number;
}

function counters(): Counters {
  const { arrayBuffers } = process.memoryUsage();
  return { timeMs: performance.now(), heap: getHeapStatistics().used_heap_size, arrayBuffers };
}

/** Reads the counters when the pause begins and when it is about to end; records nothing. */
class PauseMeter extends Recorder {
  begun: Counters | undefined;
  ending: Counters | undefined;

  override begin(name: string): number {
    if (name === "Pause") this.begun = counters();
    if (name === "Resume") this.ending = counters();
    return -1;
  }
}

interface Pause {
  /** Bytes that were allocated on the heap in it. */
  readonly heapBytes: number;
  readonly newBackingBytes: number;
  readonly beginMs: number;
  readonly endMs: number;
}

/** The pauses of so many checkpoints of all children. */
function pauses(rtcr: Rtcr, count: number): Pause[] {
  const meter = new PauseMeter("pauses");
  const found: Pause[] = [];
  for (let i = 0; i < count; i++) {
    collectGarbage();
    startProfile(meter);
    const { lease } = rtcr.checkpoint(`pause ${i}`);
    stopProfile();
    lease.release();
    const { begun, ending } = meter;
    assert.ok(begun && ending);
    const heapBytes = ending.heap - begun.heap;
    const newBackingBytes = ending.arrayBuffers - begun.arrayBuffers;
    found.push({ heapBytes, newBackingBytes, beginMs: begun.timeMs, endMs: ending.timeMs });
  }
  return found;
}

/** Of the event loop, in which the observer is told of collections. */
const TURNS = 5000;
/** Checkpoints until V8 has compiled most of what they call. */
const WARM_UP = 20;
/** Bytes that reading the counters allocates, and whatever else is there however little a checkpoint has. */
const HEAP_BYTES = 64 << 10;
/** What so many more of something may add: nothing, but for numbers that V8 puts into boxes as long as it has not compiled. */
const SLACK_BYTES = 32 << 10;

/** Supervisors whose children stand, with few of something and with many. */
export type Stage = "few" | "many";

/**
 * Measures the pauses of both: no backing store is made, nothing is collected, and many of it add nothing to the heap, or
 * little.
 *
 * @param open its children stand until `close`
 * @param littleBytes what the many may add, all in all
 */
export async function measurePauses(
  open: (stage: Stage) => Promise<{ readonly rtcr: Rtcr; close(): void }>,
  littleBytes = 0,
): Promise<void> {
  const collections: { readonly startTime: number }[] = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  const heap: number[] = [];
  const measured: Pause[] = [];
  for (const stage of ["few", "many"] as const) {
    const place = await open(stage);
    for (let i = 0; i < WARM_UP; i++) place.rtcr.checkpoint(`warm ${i}`).lease.release(); // compiled before it is measured
    const found = pauses(place.rtcr, 6);
    // less than nothing: V8 has given back meanwhile what was collected before
    heap.push(Math.min(...found.map(({ heapBytes }) => heapBytes).filter((bytes) => bytes >= 0)));
    measured.push(...found);
    place.close();
  }
  for (let turn = 0; turn < TURNS && collections.length < measured.length; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1)); // the observer is told, when the process has time
    collections.push(...observer.takeRecords());
  }
  observer.disconnect();
  assert.ok(collections.length >= measured.length, "collections are seen: each checkpoint has one in front of it");
  for (const { newBackingBytes, beginMs, endMs } of measured) {
    assert.ok(newBackingBytes <= 0, `${newBackingBytes} bytes`); // less: V8 has given back what was collected before
    assert.deepEqual(
      collections.filter(({ startTime }) => startTime >= beginMs && startTime <= endMs),
      [],
    );
  }
  assert.ok(measured.some(({ newBackingBytes }) => newBackingBytes === 0));
  const [few = 0, many = 0] = heap;
  assert.ok(few < HEAP_BYTES, `${few} bytes with few`);
  assert.ok(many - few < SLACK_BYTES + littleBytes, `${many} bytes with many, ${few} with few`);
}
