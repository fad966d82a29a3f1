// A module with all that it may bring (spec 1.5): classes behind sessions, a copy engine, data of its own for each dataspace,
// a configuration of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { describeFinding, readXml } from "../../src/init/index.ts";
import {
  checkRtcrConfig,
  type DataspacePlace,
  type RtcrComponent,
  RtcrLog,
  type RtcrModule,
  rtcrProgram,
  toInitConfig,
} from "../../src/rtcr/index.ts";
import { config, start, startSystem } from "../support/core-system.ts";
import { component } from "./rig.ts";

/** What module `ledger` keeps of a dataspace. */
interface Entry {
  readonly size: number;
  readonly places: DataspacePlace[];
  copies: number;
  freed: boolean;
}

class LoudLog extends RtcrLog {
  override write(text: string): number {
    return super.write(text.toUpperCase());
  }
}

/** Notes what happens to dataspaces, and copies those from a size on itself: `<ledger from_bytes="16384"/>`. */
function ledger() {
  const entries: Entry[] = [];
  let fromBytes = Number.POSITIVE_INFINITY;
  let asked = 0;
  const module: RtcrModule<Entry> = {
    name: "ledger",
    schema: {
      ledger: {
        many: false,
        element: {
          about: "what module ledger copies itself",
          attributes: { from_bytes: { type: { is: "number", min: 0, max: 2 ** 30 }, required: true } },
          children: {},
        },
      },
    },
    configure: (root) => {
      const value = root.child("ledger")?.attributes.get("from_bytes");
      fromBytes = value === undefined ? Number.POSITIVE_INFINITY : Number(value);
    },
    interposers: { log: (context, opened) => new LoudLog(context, opened) },
    engine: () => {
      asked++;
      return false;
    },
    dataspaces: {
      allocated: (_, size) => {
        const entry: Entry = { size, places: [], copies: 0, freed: false };
        entries.push(entry);
        return entry;
      },
      attached: ({ places }, place) => void places.push(place),
      detached: ({ places }, { address }) => {
        const at = places.findIndex((place) => place.address === address);
        assert.ok(at >= 0, "it has been told of it");
        places.splice(at, 1);
      },
      copy: (entry, dataspace, target) => {
        if (entry.size < fromBytes) return false;
        entry.copies++;
        return dataspace.read(0, target) === target.length;
      },
      freed: (entry) => void (entry.freed = true),
    },
  };
  return { module: module as RtcrModule, entries, asked: () => asked };
}

const CHILD = "sheep_counter_timer";
const inside = (more: string) => config(`${more}<child name="${CHILD}" quota="8M" caps="300"/>`);
const system = (more: string) => config(start("rtcr", inside(more), 'caps="4000" ram="64M"'));

test("S112: a module replaces a session's class, copies, keeps data of each dataspace and has a configuration of its own", async () => {
  const { module, entries, asked } = ledger();
  let supervisor: RtcrComponent | undefined;
  const host = { begin: () => ({}), began: (began: RtcrComponent) => (supervisor = began), ended: () => {} };
  const tree = startSystem({
    config: system('<module name="ledger"/><ledger from_bytes="65536"/>'),
    binaries: { [CHILD]: component(CHILD) },
    natives: { rtcr: rtcrProgram(host, module) },
  });
  const lines = () => tree.lines.filter((line) => line.includes(`-> ${CHILD}]`));
  const until = async (count: number) => {
    for (let step = 0; lines().length < count; step++) {
      assert.ok(step < 2000, tree.lines.slice(-3).join("; "));
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      tree.advance(50_000);
    }
  };
  try {
    await until(2);
    assert.match(lines()[0] ?? "", /1 SHEEP\. ZZZ$/, "the class behind LOG");
    const { rtcr } = supervisor!;
    const before = asked();
    const { system: taken } = rtcr.checkpoint("x");
    const next = lines().length + 1;
    const { dataspaces } = taken.children[0]!.pd;
    const living = entries.filter(({ freed }) => !freed);
    assert.deepEqual(
      living.map(({ size }) => size),
      dataspaces.map(({ size }) => size),
    );
    assert.deepEqual(
      living.map(({ copies }) => copies),
      dataspaces.map(({ size }) => (size >= 65_536 ? 1 : 0)),
      "by the module's own configuration",
    );
    const attached = living.filter(({ places }) => places.length > 0);
    assert.ok(attached.length >= 3 && attached.every(({ places: [place], size }) => place!.size >= size));
    const others = dataspaces.filter(({ size }) => size < 65_536).length;
    assert.ok(asked() - before >= others, "the engine is asked for those that are not the module's");
    tree.configure(system('<module name="ledger"/>'));
    assert.deepEqual(rtcr.checkpoint("x").system.children, taken.children, "copied by whomever");
    assert.equal(
      living.reduce((all, { copies }) => all + copies, 0),
      dataspaces.filter(({ size }) => size >= 65_536).length,
    );

    const count = lines().length;
    rtcr.restore(taken);
    tree.settle();
    await until(count + 2);
    assert.equal(lines()[count], `[init -> rtcr -> ${CHILD}] ${next} SHEEP. ZZZ`);
    assert.ok(
      living.every(({ freed }) => freed),
      "the data of the child before are given back",
    );
    assert.equal(entries.filter(({ freed }) => !freed).length, living.length);
  } finally {
    tree.close();
  }
});

test("S97, S112: a module has the data of each dataspace again, with its places, when its supervisor was restored itself", async () => {
  const nested = start("inner", `<binary name="ledger"/>${inside('<module name="ledger"/>')}`, 'caps="2000" ram="40M"');
  const run = (restore?: SystemCheckpoint) => {
    const { module, entries } = ledger();
    let outer: RtcrComponent | undefined;
    const host = { began: () => {}, ended: () => {} };
    const keeper = { ...host, began: (began: RtcrComponent) => (outer = began) };
    const tree = startSystem({
      config: config(start("rtcr", config(nested), 'caps="6000" ram="96M"')),
      binaries: { [CHILD]: component(CHILD) },
      natives: {
        rtcr: rtcrProgram({ ...keeper, begin: () => (restore ? { restore } : {}) }),
        ledger: rtcrProgram({ ...host, begin: () => ({}) }, module),
      },
    });
    const living = () =>
      entries.filter(({ freed }) => !freed).map(({ size, places }) => ({ size, places: [...places] }));
    return { tree, living, outer: () => outer!.rtcr };
  };
  const first = run();
  for (let turn = 0; turn < 400; turn++) await new Promise((resolve) => setImmediate(resolve));
  const { system: taken } = first.outer().checkpoint("outer");
  const expected = first.living();
  first.tree.close();
  assert.ok(expected.filter(({ places }) => places.length > 0).length >= 3, JSON.stringify(expected));
  const second = run(taken);
  second.tree.settle();
  assert.deepEqual(second.living(), expected);
  second.tree.close();
});

test("S112: what is in a module's elements is checked by its schema, and reaches neither init nor other modules", () => {
  const { module } = ledger();
  const findings = (text: string, own?: RtcrModule) =>
    checkRtcrConfig(readXml(text), own).map((finding) => describeFinding("x", finding));
  const text = '<config><module name="ledger"/><ledger from_bytes="1"/></config>';
  assert.deepEqual(findings(text, module), []);
  assert.match(
    findings('<config><ledger from_bytes="x"/></config>', module)[0] ?? "",
    /^x:1:\d+: <ledger from_bytes="x">/,
  );
  assert.match(findings("<config><ledger/></config>", module)[0] ?? "", /from_bytes/);
  assert.equal(findings(text).length, 2, "without the module both elements are faults");
  const forInit = toInitConfig(text, { width: 1, height: 1 }, module);
  assert.ok(!forInit.includes("ledger"), forInit);
});

test("S112: a module is refused whose elements are init's or RTCR's; what it throws at a configuration names it", () => {
  const { module } = ledger();
  const host = { begin: () => ({}), began: () => {}, ended: () => {} };
  for (const taken of ["start", "default-route", "checkpoint", "child"]) {
    const shadows = { ...module, schema: { [taken]: module.schema!["ledger"]! } };
    const expected = {
      name: "TypeError",
      message: `module "ledger": <${taken}> is init's or RTCR's: call it otherwise`,
    };
    assert.throws(() => rtcrProgram(host, shadows), expected);
    assert.throws(() => checkRtcrConfig(readXml("<config/>"), shadows), expected);
  }
  const configure = () => {
    throw new RangeError("from_bytes is odd");
  };
  const natives = { rtcr: rtcrProgram(host, { ...module, configure }) };
  const tree = startSystem({ config: system(""), binaries: {}, natives });
  tree.settle();
  const why = /module "ledger" throws when it is configured: from_bytes is odd/;
  assert.ok(
    tree.warnings.some((line) => why.test(line)),
    tree.warnings.join("\n"),
  );
  tree.close();
});
