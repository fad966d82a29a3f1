// S49: every element and attribute of spec 3.1 is read; what is wrong is said with its place; unknown ones are tolerated.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig, checkSystem, describeFinding } from "./check-config.ts";
import { INIT_SCHEMA } from "./init-schema.ts";
import { DEFAULT_PRESERVE } from "./read-config.ts";
import type { ElementSchema } from "./schema.ts";
import { readXml, textOfModule, tryXml, XML_DEPTH_LIMIT, XML_LIMIT, XmlFault } from "./xml.ts";
import { escapeXml, writeXml } from "./xml-writer.ts";

const GOOD = 'caps="100" ram="1M"';

/** Findings of a configuration, as lines. */
function findings(text: string): string[] {
  return checkConfig(text).findings.map((finding) => describeFinding("x", finding));
}

const EVERYTHING = `<?xml version="1.0"?>
<config prio_levels="4" verbose="yes" ld_verbose="no" version="7">
  <!-- a comment -->
  <parent-provides><service name="PD"/><service name="CPU"/></parent-provides>
  <default-route>
    <service name="LOG" label="a" label_prefix="b" label_suffix="c" label_last="d" unscoped_label="e">
      <parent label="x" diag="yes"/><child name="one" label="y"/><any-child/>
    </service>
    <any-service><parent/></any-service>
  </default-route>
  <default caps="120" ram="2M"/>
  <affinity-space width="4" height="2"/>
  <alias name="uno" child="one"/>
  <resource name="RAM" preserve="1M"/>
  <resource name="CAP" preserve="30"/>
  <report ids="yes" requested="yes" provided="yes" session_args="yes" child_ram="yes" child_caps="yes" init_ram="yes"
          init_caps="yes" delay_ms="250" buffer="8K"/>
  <heartbeat rate_ms="500"/>
  <service name="Timer"><default-policy><child name="one"/></default-policy>
    <policy label_prefix="p"><child name="uno" label="q"/></policy></service>
  <start name="one" caps="200" ram="0x200000" priority="-3" ld="no" version="1.0" managing_system="yes">
    <binary name="prog" windows="yes" growth_requests="yes"/>
    <resource name="RAM" quantum="3M" constrain_phys="yes"/><resource name="CPU" quantum="25"/><resource name="CAP" quantum="300"/>
    <provides><service name="Timer"/></provides>
    <route><any-service><parent/></any-service></route>
    <config a="1"><b>&lt;é😀</b></config>
    <configfile name="other"/>
    <affinity xpos="1" ypos="0" width="2" height="1"/>
    <exit propagate="yes"/>
    <heartbeat restart_after_skipped="3"/>
  </start>
  <start name="two"/>
</config>`;

test("S49: every element and attribute is read", () => {
  const { config, findings } = checkConfig(EVERYTHING);
  assert.deepEqual(findings, []);
  const any = { service: undefined, conditions: {} };
  const target = { name: "", label: undefined, diag: undefined };
  const toParent = { ...any, targets: [{ ...target, to: "parent" }] };
  assert.deepEqual(
    JSON.parse(JSON.stringify({ ...config, parentProvides: [...config.parentProvides], aliases: [...config.aliases] })),
    JSON.parse(
      JSON.stringify({
        version: "7",
        verbose: true,
        prioLevels: 4,
        parentProvides: ["PD", "CPU"],
        defaultRoute: [
          {
            service: "LOG",
            conditions: { label: "a", labelPrefix: "b", labelSuffix: "c", labelLast: "d", unscopedLabel: "e" },
            targets: [
              { to: "parent", name: "", label: "x", diag: true },
              { to: "child", name: "one", label: "y" },
              { to: "any-child", name: "" },
            ],
          },
          toParent,
        ],
        defaults: { caps: 120, ram: 2 << 20 },
        affinitySpace: { width: 4, height: 2 },
        aliases: [["uno", "one"]],
        preserve: { ram: 1 << 20, caps: 30 },
        report: {
          ids: true,
          requested: true,
          provided: true,
          sessionArgs: true,
          childRam: true,
          childCaps: true,
          initRam: true,
          initCaps: true,
          delayMs: 250,
          bufferBytes: 8192,
        },
        heartbeatMs: 500,
        services: [
          {
            name: "Timer",
            policies: [{ child: "one" }, { conditions: { labelPrefix: "p" }, child: "uno", label: "q" }],
          },
        ],
        starts: [
          {
            name: "one",
            binary: "prog",
            windows: true,
            growthRequests: true,
            version: "1.0",
            caps: 300,
            ram: 3 << 20,
            constrainPhys: true,
            cpuPercent: 25,
            priority: -3,
            ld: false,
            managingSystem: true,
            provides: ["Timer"],
            route: [toParent],
            config: '<config a="1"><b>&lt;é😀</b></config>',
            configFile: "other",
            affinity: { x: 1, y: 0, width: 2, height: 1 },
            exitPropagates: true,
            heartbeat: { restartAfterSkipped: 3 },
          },
          {
            name: "two",
            binary: "two",
            windows: false,
            growthRequests: false,
            version: "",
            caps: 120,
            ram: 2 << 20,
            constrainPhys: false,
            cpuPercent: 0,
            priority: 0,
            ld: true,
            managingSystem: false,
            provides: [],
            exitPropagates: false,
          },
        ],
      }),
    ),
  );
});

test("S49: the document above uses every element and attribute of the schema", () => {
  const missing: string[] = [];
  const visit = (schema: ElementSchema, name: string, path: string) => {
    if (schema.attributes === "anything") return;
    for (const attribute of Object.keys(schema.attributes)) {
      if (!new RegExp(`<${name}\\b[^>]*\\b${attribute}=`).test(EVERYTHING)) missing.push(`${path} ${attribute}`);
    }
    for (const [child, { element }] of Object.entries(schema.children)) {
      if (!EVERYTHING.includes(`<${child}`)) missing.push(`${path}/${child}`);
      if (!/^(parent|child|any-child|service|any-service|policy)$/.test(child))
        visit(element, child, `${path}/${child}`);
    }
  };
  visit(INIT_SCHEMA, "config", "");
  assert.deepEqual(missing, []);
});

test("S49: an empty configuration is all defaults", () => {
  const { config, findings } = checkConfig("<config/>");
  assert.deepEqual(findings, []);
  assert.deepEqual(config.preserve, DEFAULT_PRESERVE);
  assert.equal(config.report, undefined);
  assert.equal(config.heartbeatMs, undefined);
  assert.deepEqual(config.affinitySpace, { width: 1, height: 1 });
  const { report, heartbeatMs } = checkConfig("<config><report/><heartbeat/></config>").config;
  assert.deepEqual([report?.delayMs, report?.bufferBytes, report?.ids, heartbeatMs], [100, 4096, false, 1000]);
});

const WRONG: readonly [string, string, RegExp][] = [
  [
    "unknown element",
    "<config>\n  <stort/>\n</config>",
    /^x:2:3: unknown element <stort> in <config>, allowed: <parent-provides>.*; did you mean start\?$/,
  ],
  [
    "unknown attribute",
    `<config>\n<start name="a" ${GOOD} prio="1"/></config>`,
    /^x:2:\d+: unknown attribute "prio" of <start>, allowed: name, caps/,
  ],
  ["mistyped attribute", `<config><start name="a" cups="100" ${GOOD}/></config>`, /did you mean caps\?$/],
  [
    "bad number",
    '<config>\n\n <start name="a" caps="many" ram="1M"/></config>',
    /^x:3:18: <start caps="many">: expected a number from 0, K, M or G may follow$/,
  ],
  ["negative quota", '<config><start name="a" caps="-5" ram="1M"/></config>', /expected a number from 0/],
  [
    "units where none are allowed",
    '<config><heartbeat rate_ms="1K"/></config>',
    /expected a number from 1 to 3600000$/,
  ],
  [
    "missing required",
    `<config><start ${GOOD}/></config>`,
    /<start> has no attribute "name", expected text of 1 to 64 characters/,
  ],
  ["bad bool", '<config verbose="maybe"/>', /^x:1:9: <config verbose="maybe">: expected yes or no$/],
  [
    "one of",
    `<config><start name="a" ${GOOD}><resource name="DISK" quantum="1"/></start></config>`,
    /expected one of RAM, CPU, CAP/,
  ],
  ["two of one", "<config><report/><report/></config>", /a second <report> in <config>, only one is allowed/],
  [
    "duplicate start",
    `<config><start name="a" ${GOOD}/><start name="a" ${GOOD}/></config>`,
    /a second <start name="a">; names of children are unique/,
  ],
  [
    "duplicate alias",
    `<config><start name="a" ${GOOD}/><alias name="b" child="a"/><alias name="b" child="a"/></config>`,
    /a second <alias name="b">/,
  ],
  ["alias without child", `<config><alias name="b"/></config>`, /<alias> has no attribute "child"/],
  [
    "alias of nobody",
    `<config><alias name="b" child="q"/></config>`,
    /<alias child="q">: there is no such child, known: none/,
  ],
  [
    "route to nobody",
    `<config><start name="a" ${GOOD}><route><any-service><child name="z"/></any-service></route></start></config>`,
    /<child name="z">: there is no such child, known: a/,
  ],
  ["levels", '<config prio_levels="3"/>', /prio_levels="3">: expected a power of two, or 0 for none/],
  ["priority", `<config prio_levels="2"><start name="a" priority="-2" ${GOOD}/></config>`, /expected 0 to -1/],
  [
    "priority without levels",
    `<config><start name="a" priority="-1" ${GOOD}/></config>`,
    /expected 0, since <config> has no prio_levels/,
  ],
  ["caps too few", '<config><start name="a" caps="25" ram="1M"/></config>', /25 caps, its start alone costs 26/],
  [
    "ram too little",
    '<config><start name="a" caps="50" ram="100K"/></config>',
    /102400 bytes of RAM, its start alone costs/,
  ],
  [
    "configfile",
    `<config><start name="a" ${GOOD}><configfile name="config"/></start></config>`,
    /<configfile name="config"> would be init's own/,
  ],
  ["root", "<system/>", /the root element is <system>, expected <config>/],
  ["prototype names", '<config toString="1"><constructor/></config>', /unknown attribute "toString"/],
];

for (const [name, text, expected] of WRONG) {
  test(`S49: ${name} is reported with place and what is allowed, and tolerated`, () => {
    const lines = findings(text);
    assert.ok(
      lines.some((line) => expected.test(line)),
      `${expected} in\n${lines.join("\n")}`,
    );
    checkConfig(text).config.starts.forEach(({ caps, ram }) => {
      assert.ok(caps >= 0 && ram >= 0);
    });
  });
}

test("S49: the first of two start nodes of a name wins, nameless ones are left out", () => {
  const { config } = checkConfig('<config><start name="a" caps="1"/><start name="a" caps="2"/><start/></config>');
  assert.deepEqual(
    config.starts.map(({ name, caps }) => [name, caps]),
    [["a", 1]],
  );
});

test("S49: inits inside are checked too, where they stand in the document", () => {
  const text = `<config>\n<start name="i" ${GOOD}><binary name="init"/>\n  <config><stort/></config></start>\n<start name="init" ${GOOD}><config><x/></config></start><start name="o" ${GOOD}><config><y/></config></start></config>`;
  const lines = checkSystem(text).findings.map((finding) => describeFinding("x", finding));
  assert.equal(lines.length, 2, lines.join("\n"));
  assert.match(lines[0]!, /^x:3:11: unknown element <stort>/);
  assert.match(lines[1]!, /^x:4:\d+: unknown element <x>/);
  assert.equal(checkConfig(text).findings.length, 0);
});

test("S49: limits of numbers and names hold on both sides", () => {
  const name = (length: number) => findings(`<config><start name="${"n".repeat(length)}" ${GOOD}/></config>`).length;
  assert.deepEqual([name(64), name(65)], [0, 1]);
  const rate = (ms: number) => findings(`<config><heartbeat rate_ms="${ms}"/></config>`).length;
  assert.deepEqual([rate(0), rate(1), rate(3_600_000), rate(3_600_001)], [1, 0, 0, 1]);
});

test("S49: malformed documents are faults with a place", () => {
  const fault = (text: string) => {
    try {
      readXml(text);
    } catch (error) {
      if (error instanceof XmlFault) return `${error.position.line}:${error.position.column} ${error.message}`;
      throw error;
    }
    return "none";
  };
  assert.match(fault("<config>\n  <start>\n</config>"), /^3:1 missing end tag for element start$/i);
  assert.match(fault(""), /^1:1 /);
  assert.match(fault('<a b="1" b="2"/>'), /^1:\d+ .*duplicate/i);
  assert.equal(tryXml("<a").ok, false);
  const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
  assert.equal(fault(nested(XML_DEPTH_LIMIT)), "none");
  assert.match(fault(nested(XML_DEPTH_LIMIT + 1)), /nested deeper than 200/);
  assert.match(fault(`${'<a b="/>">'.repeat(100_000)}`), /nested deeper than 200/);
  assert.equal(fault(`<a>${" ".repeat(XML_LIMIT - 7)}</a>`), "none");
  assert.match(fault(`<a>${" ".repeat(XML_LIMIT - 6)}</a>`), /at most 1048576/);
});

test("S49: whatever is done to a document, reading it ends with findings or one fault, and every place lies inside it", () => {
  let state = 1;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
  let [faults, readings] = [0, 0];
  for (let round = 0; round < 3000; round++) {
    let text = EVERYTHING;
    for (let edits = below(3); edits >= 0; edits--) {
      const at = below(text.length);
      const length = below(6);
      const other = text.slice(below(text.length)).slice(0, below(6));
      text =
        text.slice(0, at) + [other, "", '"', "<", "\u0000", "-1", "9".repeat(30)][below(7)] + text.slice(at + length);
    }
    const lines = text.split("\n");
    const inside = (line: number, column: number) => line <= lines.length && column <= lines[line - 1]!.length + 1;
    try {
      const { config, findings } = checkConfig(text);
      readings++;
      for (const { position } of findings) assert.ok(inside(position.line, position.column), text);
      for (const start of config.starts) assert.ok(start.caps >= 0 && start.ram >= 0 && start.name !== "", text);
    } catch (error) {
      if (!(error instanceof XmlFault)) throw error;
      faults++;
      assert.ok(error.position.line <= lines.length, text);
    }
  }
  assert.ok(faults > 100 && readings > 100, `${faults} faults, ${readings} readings`);
});

test("xml: positions count lines and columns, also behind comments, CRLF and a mark", () => {
  const root = readXml('\uFEFF<!-- é -->\r\n<a x="1"\r\n   y="x=2">\r\n <b z=\'<\'/></a>'.replace("'<'", "'&lt;'"));
  assert.deepEqual(root.position, { line: 2, column: 1 });
  assert.deepEqual(root.positionOfAttribute("y"), { line: 3, column: 4 });
  assert.deepEqual(root.child("b")?.position, { line: 4, column: 2 });
  assert.equal(root.child("b")?.attributes.get("z"), "<");
  assert.equal(root.source.startsWith("<a x="), true);
});

test("xml: what is written is read back", () => {
  const nasty = "<>&\"' ]]> \n\t é😀 \u0000\u0001";
  const text = writeXml({
    name: "a",
    attributes: { n: nasty, yes: true, no: false, gone: undefined },
    children: [{ name: "b", text: nasty }, { name: "c" }],
  });
  const root = readXml(text);
  const expected = nasty.replace("\u0000", "?").replace("\u0001", "?");
  assert.equal(root.attributes.get("n"), expected);
  assert.equal(root.child("b")?.text, expected);
  assert.deepEqual([...root.attributes.keys()], ["n", "yes", "no"]);
  assert.equal(escapeXml("\ud800"), "\ufffd");
});

test("xml: a module's text ends at the first zero byte", () => {
  assert.equal(textOfModule(new TextEncoder().encode("<é/>\0\0rest")), "<é/>");
  assert.equal(textOfModule(new Uint8Array()), "");
});
