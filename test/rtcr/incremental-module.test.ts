// Module `inc` as configurations have it (spec 1.5, 1.6, S108), and as a type that a program is made with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GranuleBytes, type SystemCheckpoint, whole } from "../../src/checkpoint/index.ts";
import { describeFinding, readXml } from "../../src/init/index.ts";
import {
  checkRtcrConfig,
  type DataProvider,
  IncrementalModule,
  type RtcrComponent,
  rtcrProgram,
  SharedMemoryProvider,
} from "../../src/rtcr/index.ts";
import { config, start, startSystem } from "../support/core-system.ts";
import { component } from "./rig.ts";

const CHILD = "sheep_counter_timer";
const system = (more: string) =>
  config(start("rtcr", config(`${more}<child name="${CHILD}" quota="8M" caps="300"/>`), 'caps="4000" ram="64M"'));

/** A running system, whose supervisor's configuration is `more` and its child. */
async function running(more: string, ...module: readonly [(() => IncrementalModule)?]) {
  let supervisor: RtcrComponent | undefined;
  const host = { begin: () => ({}), began: (began: RtcrComponent) => (supervisor = began), ended: () => {} };
  const tree = startSystem({
    config: system(more),
    binaries: { [CHILD]: component(CHILD) },
    natives: { rtcr: rtcrProgram(host, ...module) },
  });
  const go = async (steps = 12) => {
    for (let step = 0; step < steps; step++) {
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      tree.advance(50_000);
    }
    assert.ok(
      tree.lines.some((line) => line.includes(`-> ${CHILD}]`)),
      [...tree.lines, ...tree.warnings].join("\n"),
    );
  };
  await go();
  const take = () => supervisor!.rtcr.checkpoint("x");
  return { tree, go, take, configure: (text: string) => tree.configure(system(text)) };
}

/** Whether contents lie in granules. */
function incremental({ children: [child] }: SystemCheckpoint): boolean {
  return (
    child!.pd.data instanceof GranuleBytes && child!.pd.dataspaces.every((each) => each.content instanceof GranuleBytes)
  );
}

const comparable = (taken: SystemCheckpoint) => ({ ...whole(taken), created: "" });

test("S108, S111: <module name> chooses module inc, <granularity> its granules, at any time", async () => {
  const { tree, go, take, configure } = await running('<module name="base"/>');
  const base = take().system;
  assert.ok(!incremental(base));
  const kept = [{ expected: comparable(base), taken: base }];
  for (const pages of ["1", "2", "2", "16", "1"]) {
    configure(`<module name="inc"/><granularity>${pages}</granularity>`);
    const first = take().system;
    assert.ok(incremental(first), `${pages} pages`);
    configure('<module name="base"/>');
    kept.push({ expected: comparable(take().system), taken: first });
    configure(`<module name="inc"/><granularity>${pages}</granularity>`);
    assert.deepEqual(comparable(take().system), kept.at(-1)!.expected);
    await go(3);
    assert.ok(incremental(take().system));
  }
  for (const [i, { expected, taken }] of kept.entries())
    assert.deepEqual(comparable(taken), expected, `checkpoint ${i}`);
  configure('<module name="inc"/><granularity>0</granularity>');
  assert.ok(!incremental(take().system), "no pages: full checkpoints, as in version 1");
  configure('<module name="inc"/>');
  assert.ok(incremental(take().system), "a page unless it is said otherwise");
  tree.close();
});

test("S108, S111: module inc is a type parameter of a program, too", async () => {
  const { tree, take, configure } = await running("", () => new IncrementalModule({ granularity: 4 }));
  assert.ok(incremental(take().system));
  configure('<module name="inc"/><granularity>8</granularity>');
  assert.ok(incremental(take().system));
  configure('<module name="inc"/><granularity>0</granularity>');
  assert.ok(!incremental(take().system));
  tree.close();
});

test("S108: large granules cost as many as there are contents, and one to spare", async () => {
  const memory = new SharedMemoryProvider();
  let leases = 0;
  const provider: DataProvider = {
    lease: (least, likely) => {
      leases++;
      return memory.lease(least, likely);
    },
  };
  const { tree, take } = await running("", () => new IncrementalModule({ granularity: 1024, provider }));
  const { children } = take().system;
  const contents = children[0]!.pd.dataspaces.length + 1;
  assert.ok(leases <= contents + 1, `${leases} granules of 4 MiB for ${contents} contents`);
  tree.close();
});

test("S111: a module called as something that every object has is one that nobody knows", async () => {
  for (const name of ["__defineGetter__", "toString", "constructor"]) {
    const { tree, take } = await running(`<module name="${name}"/>`, () => new IncrementalModule());
    assert.ok(incremental(take().system), `${name}: the program's module is used`);
    tree.close();
  }
});

test("S108, S111: configurations of module inc are checked", () => {
  const findings = (text: string) => checkRtcrConfig(readXml(text)).map((finding) => describeFinding("x", finding));
  assert.deepEqual(findings('<config><module name="inc"/></config>'), []);
  assert.deepEqual(findings('<config><module name="inc"/><granularity> 4096 </granularity></config>'), []);
  assert.match(findings('<config><module name="para"/></config>')[0] ?? "", /expected one of base, inc, red$/);
});
