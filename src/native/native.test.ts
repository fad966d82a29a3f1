// Native servers as children of init: report_rom, log_server and interposer, used by clients in TypeScript through the
// whole parent protocol (S42, S57, S61).
import assert from "node:assert/strict";
import { test } from "node:test";
import { logSessionSuite } from "../../test/contracts/log-session.ts";
import { reportSessionSuite } from "../../test/contracts/report-session.ts";
import { romSessionSuite, textOf } from "../../test/contracts/rom-session.ts";
import { timerSessionSuite } from "../../test/contracts/timer-session.ts";
import { start, startSystem, config as system } from "../../test/support/core-system.ts";
import type { NativeProgram } from "../core/index.ts";
import {
  type Capability,
  DONATION,
  type Env,
  type LogSession,
  type ReportSession,
  type RomSession,
  type TimerSession,
} from "../session/index.ts";
import { required } from "../util/index.ts";
import { Connections } from "./connections.ts";

/** A client that does what the test says, with sessions that it opens by name. */
interface Client {
  readonly program: NativeProgram;
  env(): Env;
  /** Opens a session and waits for it; the reason if it is refused. */
  open(service: keyof typeof DONATION, label?: string, args?: Readonly<Record<string, string>>): Opened;
  connections(): Connections;
}

interface Opened {
  id: number;
  capability: Capability | undefined;
  refused: string | undefined;
}

function client(): Client {
  let env: Env | undefined;
  let connections: Connections | undefined;
  const program: NativeProgram = (given) => {
    env = given;
    connections = new Connections(given);
    return { dispose: () => connections!.dispose() };
  };
  const live = () => required(connections, "a client that runs");
  return {
    program,
    env: () => required(env, "a client that runs"),
    connections: live,
    open: (service, label = "", args = {}) => {
      const opened: Opened = { id: 0, capability: undefined, refused: undefined };
      const { ram, caps } = DONATION[service];
      const donation = { ram: ram + Number(args["buffer_size"] ?? 0), caps };
      opened.id = live().open(
        { service, label, args: new Map(Object.entries(args)), donation },
        {
          ready: (capability) => {
            opened.capability = capability;
          },
          refused: (reason) => {
            opened.refused = reason;
          },
        },
      );
      return opened;
    },
  };
}

function plantWith(config: string, clients: Readonly<Record<string, Client>>) {
  const natives = Object.fromEntries(Object.entries(clients).map(([name, { program }]) => [name, program]));
  return startSystem({ config, natives });
}

const child = (name: string) => `<child name="${name}"/>`;
const server = (name: string, binary: string, services: string, inside = "") =>
  start(name, `<binary name="${binary}"/><provides>${services}</provides>${inside}`);
const service = (name: string, to: string) => `<service name="${name}">${to}</service>`;
const provides = (...names: string[]) => names.map((name) => `<service name="${name}"/>`).join("");
const REST = "<any-service><parent/></any-service>";

/** An open session's object. */
function objectOf<T>({ capability, refused }: Opened): T {
  assert.equal(refused, undefined);
  return required(capability?.object, "an open session") as T;
}

// report_rom

const REPORT_POLICY = '<policy label="viewer -> focus" report="gui -> focus"/>';

function reports(policies = REPORT_POLICY, verbose = "") {
  const [gui, viewer] = [client(), client()];
  const config = `<config ${verbose}>${policies}</config>`;
  const tree = plantWith(
    system(
      server("report_rom", "report_rom", provides("Report", "ROM"), `<route>${REST}</route>${config}`) +
        start("gui", `<route>${service("Report", child("report_rom"))}${REST}</route>`) +
        start("viewer", `<route><service name="ROM" label="focus">${child("report_rom")}</service>${REST}</route>`),
    ),
    { gui, viewer },
  );
  return { tree, gui, viewer };
}

test("S61: report_rom: a report becomes the module that a policy names", () => {
  const { tree, gui, viewer } = reports();
  const [report, rom] = [gui.open("Report", "focus", { buffer_size: "4096" }), viewer.open("ROM", "focus")];
  tree.settle();
  const module = objectOf<RomSession>(rom);
  assert.equal(module.dataspace().valid, false, "nothing before there is a report");
  const signals = { count: 0 };
  module.sigh(viewer.env().signalHandler(() => signals.count++).context);
  const session = objectOf<ReportSession>(report);
  session.dataspace().object?.write(0, new TextEncoder().encode("<focus label='a'/>"));
  session.submit(18);
  tree.settle();
  assert.equal(signals.count, 1);
  assert.equal(textOf(module.dataspace()), "<focus label='a'/>");
  gui.connections().close(report.id);
  tree.settle();
  assert.equal(signals.count, 2);
  assert.equal(module.update(), false);
  assert.equal(module.dataspace().valid, false, "nothing when the reporter is gone");
  assert.deepEqual(tree.warnings, []);
});

test("S61: report_rom: a ROM that no policy names is denied, by name in the log", () => {
  const { tree, viewer } = reports("");
  const rom = viewer.open("ROM", "focus");
  tree.settle();
  assert.equal(rom.refused, "service-denied");
  assert.match(tree.lines.join("\n"), /\[init -> report_rom\] warning: ROM session "viewer -> focus" denied/);
});

test("S61: report_rom: policies by prefix and suffix; verbose writes reports to the log", () => {
  const { tree, gui, viewer } = reports(
    '<policy label_prefix="viewer" label_suffix="focus" report="gui -> x"/>',
    'verbose="yes"',
  );
  const [report, rom] = [gui.open("Report", "x", { buffer_size: "100" }), viewer.open("ROM", "focus")];
  tree.settle();
  objectOf<ReportSession>(report).dataspace().object?.write(0, new TextEncoder().encode("<a>\n<b/>"));
  objectOf<ReportSession>(report).submit(8);
  assert.equal(textOf(objectOf<RomSession>(rom).dataspace()), "<a>\n<b/>");
  const lines = tree.lines.filter((line) => line.startsWith("[init -> report_rom]"));
  assert.deepEqual(
    lines,
    ["report 'gui -> x'", "  <a>", "  <b/>"].map((line) => `[init -> report_rom] ${line}`),
  );
});

test("S61: report_rom: a reporter whose donation does not cover its buffer is refused, then retries with more", () => {
  const { tree, gui } = reports();
  const small = gui.open("Report", "focus", { buffer_size: "1M" });
  tree.settle();
  assert.equal(small.refused, "insufficient-ram-quota", "ten times 4 KiB more are not enough");
  const retried = gui.connections();
  let capability: Capability | undefined;
  retried.open(
    { service: "Report", label: "focus", args: new Map([["buffer_size", "20000"]]), donation: DONATION.Report },
    { ready: (session) => (capability = session), refused: (reason) => assert.fail(reason) },
  );
  tree.settle();
  assert.ok(capability?.valid);
});

reportSessionSuite("report_rom", () => {
  const { tree, gui, viewer } = reports();
  const [report, rom] = [gui.open("Report", "focus", { buffer_size: "5000" }), viewer.open("ROM", "focus")];
  tree.settle();
  const inner = objectOf<ReportSession>(report);
  const seen: Uint8Array[] = [];
  // What a viewer has seen after each report, cut to the length that was submitted.
  const session: ReportSession = {
    kind: "report",
    dataspace: () => inner.dataspace(),
    responseSigh: (context) => inner.responseSigh(context),
    obtainResponse: () => inner.obtainResponse(),
    submit: (length) => {
      inner.submit(length);
      const bytes = new Uint8Array(Math.min(length, 8192));
      objectOf<RomSession>(rom).dataspace().object?.read(0, bytes);
      seen.push(bytes);
    },
  };
  return { session, reports: () => seen.splice(0), close: () => tree.close() };
});

romSessionSuite("report_rom", (content) => {
  const { tree, gui, viewer } = reports();
  let report: Opened | undefined;
  const change = (text: string | undefined) => {
    if (text === undefined) {
      if (report) gui.connections().close(report.id);
      report = undefined;
    } else {
      report ??= gui.open("Report", "focus", { buffer_size: "8192" });
      tree.settle();
      const session = objectOf<ReportSession>(report);
      session.dataspace().object?.write(0, new TextEncoder().encode(text));
      session.submit(text.length);
    }
    tree.settle();
  };
  if (content !== undefined) change(content);
  const rom = viewer.open("ROM", "focus");
  tree.settle();
  return { session: objectOf<RomSession>(rom), change, close: () => tree.close() };
});

// log_server

function logging(attributes: string) {
  const [a, b] = [client(), client()];
  const logRoute = `<route>${service("LOG", child("log_server"))}<service name="ROM" label="log">${child("log_server")}</service>${REST}</route>`;
  const tree = plantWith(
    system(
      server("log_server", "log_server", provides("LOG", "ROM"), `<route>${REST}</route><config ${attributes}/>`) +
        start("a", logRoute) +
        start("b", logRoute),
    ),
    { a, b },
  );
  return { tree, a, b };
}

test("S42: log_server: siblings' LOG sessions come through session_requests, lines go on with their labels", () => {
  const { tree, a, b } = logging("");
  const more = a.open("LOG", "special");
  tree.settle();
  a.env().log.write("one\ntwo");
  b.env().log.write("three\n");
  objectOf<LogSession>(more).write("four");
  const lines = tree.lines.filter((line) => line.startsWith("[init -> log_server]"));
  assert.deepEqual(lines, [
    "[init -> log_server] [a] one",
    "[init -> log_server] [a] two",
    "[init -> log_server] [b] three",
    "[init -> log_server] [a -> special] four",
  ]);
  a.connections().close(more.id);
  tree.settle();
  assert.equal(more.capability?.valid, false);
  assert.deepEqual(tree.warnings, []);
});

test("S57: log_server: keeps the last lines as a module, and need not forward them", () => {
  const { tree, a, b } = logging('forward="no" keep="3"');
  const rom = b.open("ROM", "log");
  tree.settle();
  for (let i = 0; i < 5; i++) a.env().log.write(`line ${i}\n`);
  assert.equal(textOf(objectOf<RomSession>(rom).dataspace()), "[a] line 2\n[a] line 3\n[a] line 4\n");
  assert.deepEqual(
    tree.lines.filter((line) => line.includes("line")),
    [],
  );
});

logSessionSuite("log_server", () => {
  const { tree, a, b } = logging('forward="no" keep="1000"');
  const rom = b.open("ROM", "log");
  tree.settle();
  let seen = 0;
  // Kept lines are whole; forwarded ones that are too long with their label become two.
  const lines = () => {
    const text = textOf(objectOf<RomSession>(rom).dataspace()) ?? "";
    const all = text.split("\n").slice(0, -1);
    return all.slice(seen, (seen = all.length)).map((line) => line.replace(/^\[a\] /, ""));
  };
  return { session: a.env().log, lines, close: () => tree.close() };
});

// interposer

function interposed(service_: "LOG" | "Timer") {
  const c = client();
  const tree = plantWith(
    system(
      server(
        "between",
        "interposer",
        provides(service_),
        `<route>${REST}</route><config>${provides(service_)}</config>`,
      ) + start("c", `<route>${service(service_, child("between"))}${REST}</route>`),
    ),
    { c },
  );
  return { tree, c };
}

test("S62: interposer: calls reach a session of its own with the client's label, and are counted", () => {
  const { tree, c } = interposed("LOG");
  const log = c.open("LOG", "extra");
  tree.settle();
  objectOf<LogSession>(log).write("hello");
  objectOf<LogSession>(log).write("x".repeat(500));
  c.connections().close(log.id);
  tree.settle();
  assert.equal(log.capability?.valid, false);
  const own = "[init -> between -> c -> extra]";
  assert.deepEqual(tree.lines, [
    `${own} hello`,
    `${own} error: log text of 500 bytes, at most 231 fit`,
    '[init -> between] LOG session "c -> extra" closed after 2 calls (write 2)',
  ]);
});

test("S66: interposer: upgrades reach the session behind it, and all quota comes back", () => {
  const { tree, c } = interposed("Timer");
  const pds = () => ["between", "c"].map((name) => [tree.pd(name)!.ramQuota(), tree.pd(name)!.capQuota()]);
  tree.settle();
  const before = pds();
  const timer = c.open("Timer", "t");
  tree.settle();
  assert.ok(timer.capability?.valid);
  c.connections().upgrade(timer.id, { ram: 5000, caps: 3 });
  tree.settle();
  assert.notDeepEqual(pds(), before);
  c.connections().close(timer.id);
  tree.settle();
  assert.deepEqual(pds(), before);
});

logSessionSuite("interposed log", () => {
  const { tree, c } = interposed("LOG");
  const log = c.open("LOG");
  tree.settle();
  const own = "[init -> between -> c] ";
  const lines = () => tree.lines.splice(0).map((line) => (line.startsWith(own) ? line.slice(own.length) : `?${line}`));
  return { session: objectOf<LogSession>(log), lines, close: () => tree.close() };
});

timerSessionSuite("interposed timer", () => {
  const { tree, c } = interposed("Timer");
  const timer = c.open("Timer");
  tree.settle();
  return {
    session: objectOf<TimerSession>(timer),
    letPass: (us) => {
      tree.clock.advance(us);
      tree.settle();
    },
    close: () => tree.close(),
  };
});

test("S43: a server that dies takes its sessions with it", () => {
  const { tree, a } = logging("");
  const log = a.open("LOG", "x");
  tree.settle();
  const before = tree.pd("a");
  tree.configure(system(start("a", `<route>${REST}</route>`)));
  assert.equal(log.capability?.valid, false);
  assert.equal(tree.pd("log_server"), undefined);
  assert.notEqual(tree.pd("a"), before, "its client, which has lost an environment session, is started anew");
  a.env().log.write("alive");
  assert.equal(tree.lines.at(-1), "[init -> a] alive");
});
