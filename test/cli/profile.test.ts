// `rtcr profile`, from a log to a page.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { readProfile } from "../../src/profile/index.ts";
import { until } from "../support/until.ts";
import { cli, folder, Guest } from "./support.ts";

const measured = (name: string, color: string, start: number, stop: number) =>
  `\\STATS\\${JSON.stringify({ name, color, start, stop })}\\STATE\\`;

test("S118-S119: filter, analyze, plot and report, from the logs of two runs", async (t) => {
  const path = folder(t);
  const file = (name: string) => join(path, name);
  const profile = (...args: string[]) => cli(path, "profile", ...args);
  for (const [run, slower] of [1, 3].entries()) {
    const lines = [measured("Memcpy", "blue", 0, 10 * slower), "[init] x", measured("Thread Restore", "blue", 40, 50)];
    writeFileSync(file(`${run}.log`), lines.join("\n"));
    assert.deepEqual(await profile("filter", file(`${run}.log`), "-o", file(`${run}.json`)), {
      code: 0,
      out: "",
      err: "",
    });
  }
  const runs = [file("0.json"), file("1.json")];
  const analyzed = await profile("analyze", "--json", ...runs, "-o", file("results.json"));
  assert.deepEqual(
    JSON.parse(analyzed.out).map((row: { name: string; mean: number }) => [row.name, row.mean]),
    [
      ["Memcpy", 20],
      ["Thread Restore", 10],
    ],
  );
  assert.equal((await profile("merge", ...runs, "-o", file("merged.json"))).code, 0);
  assert.equal(readFileSync(file("merged.json"), "utf8"), readFileSync(file("results.json"), "utf8"));
  for (const name of ["plot.svg", "plot.png"]) {
    assert.deepEqual(await profile("plot", file("results.json"), "-o", file(name)), { code: 0, out: "", err: "" });
  }
  const svg = readFileSync(file("plot.svg"), "utf8");
  for (const text of ["Memcpy", "Thread Restore", "20 µs", "microseconds, without the idle times", "0.02 ms"])
    assert.ok(svg.includes(text), text);
  assert.deepEqual([...readFileSync(file("plot.png")).subarray(1, 4)], [...new TextEncoder().encode("PNG")]);
  assert.equal((await profile("report", ...runs, "--title", "a < b", "-o", file("page.html"))).code, 0);
  const page = readFileSync(file("page.html"), "utf8");
  assert.ok(page.includes("<h1>a &#60; b</h1>") && page.includes("<svg") && !/src=|href="http/.test(page));
});

test("S118-S119: what cannot be done is said, and nothing is written", async (t) => {
  const path = folder(t);
  const good = join(path, "good.json");
  const other = join(path, "other.json");
  writeFileSync(good, '{"version":"2.1","instances":[{"name":"a","color":"red","start":0,"stop":1}]}');
  writeFileSync(other, '{"version":"2.1","instances":[{"name":"b","color":"red","start":0,"stop":1}]}');
  const output = join(path, "out.json");
  const cases: readonly [args: string[], code: number, message: string][] = [
    [["fly"], 2, 'profile "fly", expected filter, merge, analyze, plot, report'],
    [["plot", good], 2, "profile plot: no output file, expected -o FILE"],
    [["plot", good, other, "-o", output], 2, "profile plot: 2 files, expected 1 file"],
    [["plot", good, "-o", output], 2, `profile plot: -o is "${output}", expected a name that ends in .svg or .png`],
    [["analyze", good, other, "-o", output], 1, `${other}: measurement 0 has name "b", in ${good} it has "a"`],
    [["merge", join(path, "none"), "-o", output], 3, ""],
  ];
  for (const [args, code, message] of cases) {
    const result = await cli(path, "profile", ...args);
    assert.equal(result.code, code, args.join(" "));
    assert.ok(result.err.startsWith(`error: ${message}`), result.err);
    assert.equal(existsSync(output), false);
  }
});

test("S118: a run of a system writes what its supervisors and components measure, as a profile or as a trace", async (t) => {
  const path = folder(t);
  const [built] = await buildComponents([componentNamed("profiled")]);
  copyFileSync(built!.file, join(path, "profiled.wasm"));
  const services = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report"].map((name) => `<service name="${name}"/>`);
  const inside = `<child name="profiled" quota="8M" caps="300"/>`;
  const system = join(path, "system.xml");
  writeFileSync(
    system,
    `<config><parent-provides>${services.join("")}</parent-provides>
    <default-route><any-service><parent/></any-service></default-route>
    <start name="rtcr" caps="6000" ram="96M"><config>${inside}</config></start></config>`,
  );
  const measured = async (name: string): Promise<string> => {
    const guest = new Guest(t, path, "run", "--profile", join(path, name), system);
    const exited = () => /"profiled" exited with exit value 0/.test(guest.err + guest.out);
    await until(() => exited() || guest.over);
    guest.process.kill("SIGTERM");
    assert.equal(await guest.ended, 143, guest.err);
    return readFileSync(join(path, name), "utf8");
  };
  const profile = readProfile(await measured("run.json"), "run.json");
  const count = (name: string) => profile.instances.filter((instance) => instance.name === name).length;
  assert.deepEqual([count("turn"), count("sum")], [3, 5]);
  assert.ok(count("Dataspace Allocation") > 0, "RTCR's own");
  for (const own of ["Load of a program", "Session of PD", "Allocation in core", "Attachment"]) {
    assert.ok(count(own) > 0, `core's own: ${own}`);
  }
  const { traceEvents } = JSON.parse(await measured("run.trace.json")) as {
    traceEvents: { ph: string; args?: { name: string } }[];
  };
  const rows = traceEvents.filter(({ ph }) => ph === "M").map(({ args }) => args?.name.replace(/ \(thread \d+\)/, ""));
  const own = ["core: CPU 0", "supervisors"];
  const components = ["init -> rtcr -> profiled: ep", "init -> rtcr -> profiled: helper"];
  assert.deepEqual(rows.sort(), [...own, ...components].sort());
  await measured("run.log");
  const filtered = await cli(path, "profile", "filter", join(path, "run.log"), "-o", join(path, "filtered.json"));
  assert.deepEqual(filtered, { code: 0, out: "", err: "" });
  const names = readProfile(readFileSync(join(path, "filtered.json"), "utf8"), "filtered.json").instances;
  assert.equal(names.filter(({ name }) => name === "turn").length, 3);
  const program = await cli(path, "run", "--profile", join(path, "x"), join(path, "profiled.wasm"));
  assert.equal(program.code, 2, "only systems");
});
