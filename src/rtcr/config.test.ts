// RTCR's configuration (spec 1.6): what its nodes mean to init, and every way in which one can be wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig, checkSystem, describeFinding, readXml } from "../init/index.ts";
import { CHECKPOINTABLES, checkRtcrConfig, RTCR_PROGRAM, readRtcrConfig, toInitConfig } from "./config.ts";

const CPUS = { width: 4, height: 1 };

/** Findings of a configuration, as lines. */
function findings(text: string): readonly string[] {
  return checkRtcrConfig(readXml(text)).map((finding) => describeFinding("x", finding));
}

const EVERYTHING = `<config verbose="yes" version="7">
  <module name="base" report="yes"/>
  <child name="a" quota="1M" caps="100" xpos="2" ypos="0"/>
  <child name="b" quota="0x200000" caps="50"/>
  <checkpoint parallel="yes" foreign="refuse" unattached="keep"/>
  ${CHECKPOINTABLES.map((name, i) => `<checkpointable name="${name}" xpos="${i}" ypos="1"/>`).join("\n  ")}
  <start name="c" caps="200" ram="4M"><config turns="&lt;3"/></start>
</config>`;

test("S76, S111: every node of the thesis's configuration is read, workers' places are recorded", () => {
  assert.deepEqual(findings(EVERYTHING), []);
  const { module, report, parallel, refusesForeign, keepsUnattached, workers } = readRtcrConfig(EVERYTHING);
  assert.deepEqual([module, report, parallel, refusesForeign, keepsUnattached], ["base", true, true, true, true]);
  assert.deepEqual(
    workers,
    CHECKPOINTABLES.map((name, x) => ({ name, x, y: 1 })),
  );
  assert.equal(readRtcrConfig('<config><restore bootstrap_ms="250"/></config>').bootstrapMs, 250);
  assert.equal(readRtcrConfig('<config><restore standby="yes"/></config>').standby, true);
  const nothing = readRtcrConfig("<config/>");
  const plain = { report: false, parallel: false, refusesForeign: false, keepsUnattached: false, bootstrapMs: 30_000 };
  assert.deepEqual(nothing, { module: "base", ...plain, standby: false, workers: [], spaceWidth: undefined });
  assert.equal(readRtcrConfig('<config><affinity-space width="4"/></config>').spaceWidth, 4);
});

test("S111: children in flat nodes are start nodes in short", () => {
  const { config, findings } = checkConfig(toInitConfig(EVERYTHING, CPUS));
  assert.deepEqual(findings, []);
  assert.equal(config.version, "7");
  assert.deepEqual(
    config.starts.map(({ name, binary, ram, caps }) => [name, binary, ram, caps]),
    [
      ["c", "c", 4 << 20, 200],
      ["a", "a", 1 << 20, 100],
      ["b", "b", 2 << 20, 50],
    ],
  );
  assert.equal(config.starts[0]!.config, '<config turns="&lt;3"/>');
  assert.deepEqual(config.starts[1]!.affinity, { x: 2, y: 0, width: 1, height: 1 });
  assert.equal(config.starts[2]!.affinity, undefined);
  assert.deepEqual(config.affinitySpace, CPUS);
  assert.deepEqual(
    [...config.parentProvides],
    ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report", "File_system", "Terminal"],
  );
  assert.equal(config.defaultRoute.length, 1);
});

test("S111: what the configuration says of routes, services and affinities is left as it is", () => {
  const text = `<config><parent-provides><service name="LOG"/></parent-provides><default-route/>
    <affinity-space width="2"/><child name="a" quota="1M" caps="100"/></config>`;
  const { config } = checkConfig(toInitConfig(text, CPUS));
  assert.deepEqual([...config.parentProvides], ["LOG"]);
  assert.deepEqual(config.defaultRoute, []);
  assert.deepEqual(config.affinitySpace, { width: 2, height: 1 });
  const none = checkConfig(toInitConfig("<config><start name='x'/></config>", CPUS)).config;
  assert.deepEqual([...none.parentProvides], []);
});

test("text that is no XML is init's to refuse", () => {
  assert.equal(toInitConfig("<config", CPUS), "<config");
  assert.equal(readRtcrConfig("<config").report, false);
});

const GOOD = 'quota="1M" caps="100"';

const WRONG: readonly [inside: string, expect: string][] = [
  ['<module name="fpga"/>', 'x:1:17: <module name="fpga">: expected one of base, inc, red'],
  ["<module/>", 'x:1:9: <module> has no attribute "name", expected one of base, inc, red'],
  ['<module name="base"/><module name="base"/>', "x:1:30: a second <module> in <config>, only one is allowed"],
  [
    `<child name="a" ram="1M" ${GOOD}/>`,
    'x:1:25: unknown attribute "ram" of <child>, allowed: name, quota, caps, xpos, ypos',
  ],
  [
    '<child name="a" quota="1M"/>',
    'x:1:9: <child> has no attribute "caps", expected a number from 1, K, M or G may follow',
  ],
  [
    '<child name="a" quota="much" caps="100"/>',
    'x:1:25: <child quota="much">: expected a number from 1, K, M or G may follow',
  ],
  [
    '<child name="a" quota="1M" caps="25"/>',
    'x:1:36: <child name="a"> has 25 caps, its start alone costs 26; give more',
  ],
  [
    '<child name="a" quota="1K" caps="50"/>',
    'x:1:25: <child name="a"> has 1024 bytes of RAM, its start alone costs 253952; give more',
  ],
  [`<child name="a" xpos="-1" ${GOOD}/>`, 'x:1:25: <child xpos="-1">: expected a number from 0 to 1024'],
  [
    `<child name="a" ${GOOD}/><start name="a" caps="100" ram="1M"/>`,
    'x:1:16: a second child "a"; names of children are unique, those of <start> included',
  ],
  ['<checkpoint unattached="yes"/>', 'x:1:21: <checkpoint unattached="yes">: expected one of drop, keep'],
  ['<checkpoint foreign="no"/>', 'x:1:21: <checkpoint foreign="no">: expected one of pass, refuse'],
  ['<checkpoint parallel="maybe"/>', 'x:1:21: <checkpoint parallel="maybe">: expected yes or no'],
  ['<restore standby="maybe"/>', 'x:1:18: <restore standby="maybe">: expected yes or no'],
  ['<restore bootstrap_ms="0"/>', 'x:1:18: <restore bootstrap_ms="0">: expected a number from 1 to 2147483647'],
  [
    '<checkpointable name="ram"/>',
    `x:1:25: <checkpointable name="ram">: expected one of ${CHECKPOINTABLES.join(", ")}`,
  ],
  [
    '<checkpointable name="rm_session"/><checkpointable name="rm_session"/>',
    'x:1:60: a second <checkpointable name="rm_session">; each is configured once',
  ],
  [
    `<affinity-space width="2" height="3"/><child name="a" ${GOOD} xpos="1" ypos="3"/>`,
    'x:1:94: <child ypos="3">: <affinity-space> has 2 by 3 places',
  ],
  [
    '<affinity-space width="7"/><checkpointable name="rm_session" xpos="7"/>',
    'x:1:70: <checkpointable xpos="7">: <affinity-space> has 7 by 1 places',
  ],
  [
    "<granularity>4</granularity>",
    "x:1:9: <granularity>4</granularity> is for module inc, found module base: leave it out",
  ],
  ...["-1", "4097", "1.5", "4K", ""].map((pages): [string, string] => [
    `<module name="inc"/><granularity>${pages}</granularity>`,
    `x:1:29: <granularity>${pages}</granularity>: expected a number of pages from 0 to 4096`,
  ]),
  [
    "<modul/>",
    "x:1:9: unknown element <modul> in <config>, allowed: <parent-provides>, <default-route>, <default>, " +
      "<affinity-space>, <alias>, <resource>, <report>, <heartbeat>, <service>, <start>, <module>, <child>, " +
      "<checkpoint>, <restore>, <checkpointable>, <redundant>, <granularity>; did you mean module?",
  ],
];

for (const [inside, expect] of WRONG) {
  test(`S111: ${inside} is found wrong`, () => {
    assert.deepEqual(findings(`<config>${inside}</config>`), [expect]);
  });
}

test("S49, S111: configurations of supervisors inside of inits are checked, and of inits inside of supervisors", () => {
  const text = `<config><start name="i" caps="900" ram="9M"><binary name="init"/><config>
<start name="rtcr" caps="500" ram="8M"><config><child nome="a"/>
<start name="init" caps="100" ram="1M"><config><no/></config></start></config></start></config></start></config>`;
  const { findings } = checkSystem(text, new Map([[RTCR_PROGRAM, checkRtcrConfig]]));
  assert.deepEqual(
    findings.map(({ position, message }) => `${position.line} ${message.split(" in <")[0]!.split(",")[0]!}`),
    [
      '2 <child> has no attribute "name"',
      '2 <child> has no attribute "quota"',
      '2 <child> has no attribute "caps"',
      '2 unknown attribute "nome" of <child>',
      "3 unknown element <no>",
    ],
  );
  assert.deepEqual(checkSystem(text).findings, []);
});
