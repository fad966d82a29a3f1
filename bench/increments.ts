// What do increments cost (S108), by size of a child's memory and by the share of its pages that were written?
//
//   npm run bench -- increments [--json FILE] [--rounds N] [--sizes 1,16,64,256]
//
// full:      a checkpoint of everything
// increment: of the pages that were written since the last one, which the program's marks say
// unmarked:  the same of a program without marks: all pages are copied, and compared behind the pause
//
// The three take turns, each after its share of pages was written, evenly spread, in a child that stands. Pause: from the
// hold of its threads to their release. Copied: bytes that the pause has copied. Hashed: what a store does with it,
// but for writing. Least values of all rounds, in milliseconds: others use the machine, too.
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { buildComponents, componentNamed } from "../scripts/build-guests.ts";
import { encodeCheckpoint, type SystemCheckpoint, toCheckpoint, UnitNameCache } from "../src/checkpoint/index.ts";
import { IncrementalContents, PreallocatedProvider, Rtcr, RtcrPd } from "../src/rtcr/index.ts";
import type { Dataspace } from "../src/session/index.ts";
import { nodeSha256 } from "../src/store/index-node.ts";
import { component } from "../test/rtcr/rig.ts";
import { config, start, startSystem } from "../test/support/core-system.ts";
import { required } from "./attempts.ts";
import { minimum, rounded, timed } from "./measure.ts";

const MIB = 1 << 20;
const PAGE_BYTES = 4096;
const SHARES = [0.001, 0.01, 0.1, 1];
/** Of the event loop, in which the child begins. */
const TURNS = 100_000;
const CHILD = "many_dataspaces";

interface Sample {
  readonly pauseMs: number;
  readonly copiedBytes: number;
  readonly hashMs: number;
}

/** A child with one dataspace of so many MiB, which stands, and its supervisor. */
class Place {
  readonly #tree: ReturnType<typeof startSystem>;
  readonly #contents: IncrementalContents | undefined;
  readonly #names = new UnitNameCache();
  readonly #sizeBytes: number;
  readonly #phases = new Map<string, number>();
  #rtcr: Rtcr | undefined;
  #written = 0;
  #stands = false;

  constructor(mib: number, kind: "full" | "increment" | "unmarked") {
    this.#sizeBytes = mib * MIB;
    this.#contents = kind === "full" ? undefined : new IncrementalContents();
    const inside = `<config dataspaces="1" pages="${this.#sizeBytes / PAGE_BYTES}" iterations="50"/>`;
    const child = start(CHILD, inside, `caps="300" ram="${mib + 16}M"`);
    this.#tree = startSystem({
      quota: { ram: 2 ** 31, caps: 20_000 },
      config: config(start("rtcr", config(child), `caps="4000" ram="${mib + 96}M"`)),
      binaries: { [CHILD]: component(CHILD) },
      natives: {
        rtcr: (env) =>
          (this.#rtcr = new Rtcr(env, {
            provider: new PreallocatedProvider({ arenas: 1, arenaBytes: (kind === "full" ? mib + 4 : 4) * MIB }),
            keeper: () => this.#contents,
            marks: () => kind === "increment",
            atPhase: (phase) => this.#phases.set(phase, performance.now()),
          })),
      },
    });
    this.#stop();
  }

  /** It stands at a safe point as soon as it says something. */
  #stop(): void {
    const { lines, core } = this.#tree;
    const { kernel } = core;
    kernel.everyPoint = true;
    kernel.atPoint = () => {
      this.#stands = lines.some((line) => line.includes(`-> ${CHILD}]`));
      if (this.#stands) kernel.scheduler.freeze();
      return this.#stands;
    };
  }

  /** It has written all of its pages, and stands. */
  async ready(): Promise<void> {
    const { lines, warnings } = this.#tree;
    for (let turn = 0; !this.#stands; turn++) {
      if (turn === TURNS) throw new Error(`${CHILD} does not begin: ${[...lines, ...warnings].join("; ")}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const share of [0, 1, 0]) this.sample(share); // there is room for as much
  }

  sample(share: number): Sample {
    this.#write(share);
    const before = this.#contents?.copiedBytes ?? 0;
    const { system, lease } = required(this.#rtcr).checkpoint("bench");
    const [hold, release] = [required(this.#phases.get("hold")), required(this.#phases.get("release"))];
    const copiedBytes = this.#contents ? this.#contents.copiedBytes - before : this.#sizeBytes;
    const hashMs = timed(() => drain(system, this.#contents && this.#names));
    lease.release();
    return { pauseMs: release - hold, copiedBytes, hashMs };
  }

  close(): void {
    this.#contents?.dispose();
    this.#tree.close();
  }

  #write(share: number): void {
    const dataspace = this.#dataspace;
    const pages = this.#sizeBytes / PAGE_BYTES;
    const count = Math.round(pages * share);
    this.#written++;
    for (let i = 0; i < count; i++) {
      const page = Math.floor((i * pages) / count);
      dataspace.write(page * PAGE_BYTES + 16, Uint8Array.of(this.#written, this.#written >> 8));
    }
  }

  get #dataspace(): Dataspace {
    const [pd] = required(required(this.#rtcr).child(CHILD)).of(RtcrPd);
    const all = Array.from(required(pd).dataspaces, ({ capability }) => required(capability.object));
    return required(all.find((dataspace) => dataspace.size() === this.#sizeBytes));
  }
}

function drain(system: SystemCheckpoint, names: UnitNameCache | undefined): void {
  const steps = encodeCheckpoint(toCheckpoint(system), { sha256: nodeSha256, names });
  while (!steps.next().done);
}

async function rows(mib: number, rounds: number): Promise<object[]> {
  const kinds = ["full", "increment", "unmarked"] as const;
  const places = kinds.map((kind) => new Place(mib, kind));
  for (const place of places) await place.ready();
  const found = SHARES.map((share) => {
    const samples: Sample[][] = places.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (const [i, place] of places.entries()) samples[i]!.push(place.sample(share));
    const of = (i: number, figure: keyof Sample) => minimum(samples[i]!.map((sample) => sample[figure]));
    const ms = (i: number, figure: "pauseMs" | "hashMs") => rounded(of(i, figure), 2);
    return {
      ...{ MiB: mib, written: `${share * 100} %` },
      ...{ "full: pause": ms(0, "pauseMs"), "increment: pause": ms(1, "pauseMs"), "unmarked: pause": ms(2, "pauseMs") },
      ...{ "full: copied KiB": of(0, "copiedBytes") / 1024, "increment: copied KiB": of(1, "copiedBytes") / 1024 },
      ...{ "full: hash": ms(0, "hashMs"), "increment: hash": ms(1, "hashMs") },
    };
  });
  for (const place of places) place.close();
  return found;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "15" },
      sizes: { type: "string", default: "1,16,64,256" },
    },
  });
  await buildComponents([componentNamed(CHILD)]);
  const table: object[] = [];
  for (const mib of values.sizes.split(",").map(Number)) {
    const found = await rows(mib, Number(values.rounds));
    console.table(found);
    table.push(...found);
  }
  const { version: node } = process;
  const result = { bench: "increments", rounds: Number(values.rounds), node, load: loadavg(), table };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}
