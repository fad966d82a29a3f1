// Init with compiled children: what the standard library of components makes of the parent protocol (S44, S46, S47).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { config, start, startSystem } from "../support/core-system.ts";

/** A system whose modules are these components. */
async function system(names: readonly string[], text: string) {
  const built = await buildComponents(names.map(componentNamed));
  const binaries = Object.fromEntries(
    built.map(({ component, file }) => [component.name, new Uint8Array(readFileSync(file))]),
  );
  const reports: string[] = [];
  const tree = startSystem({
    config: text,
    binaries,
    reported: (_, report) => reports.push(new TextDecoder().decode(report)),
  });
  /** Lets everything happen that can happen now. */
  const rest = async () => {
    for (let before = -1; before !== tree.lines.length + reports.length; ) {
      before = tree.lines.length + reports.length;
      tree.settle();
      await tree.core.kernel.scheduler.quiet();
    }
  };
  await rest();
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 10) {
      tree.advance(10_000);
      await rest();
    }
  };
  return { ...tree, reports, rest, advance };
}

test("S44: an allocation beyond the quota waits, a configuration with more quota lets it go on", async () => {
  const eater = (ram: number) =>
    config(
      `<report child_ram="yes"/>${start("eater", '<binary name="memory_eater"/><config mib="7"/>', `caps="200" ram="${ram}M"`)}`,
    );
  const tree = await system(["memory_eater"], eater(4));
  const ate = () => tree.lines.filter((line) => line.includes("ate ")).length;
  const first = ate();
  assert.ok(first >= 2 && first < 4, tree.lines.join("\n"));
  assert.ok(tree.lines.some((line) => /\[init\] child "eater" requests resources: ram_quota=1052672/.test(line)));
  assert.match(tree.reports.at(-1)!, /<ram assigned="4M" quota="\S+" used="\S+" avail="\S+" requested="1028K"\/>/);
  tree.configure(eater(6));
  await tree.rest();
  assert.equal(ate(), first + 2);
  assert.doesNotMatch(tree.lines.join(), /exited/);
  tree.configure(eater(16));
  await tree.rest();
  assert.equal(ate(), 7);
  assert.ok(tree.lines.includes('[init] child "eater" exited with exit value 0'));
  tree.close();
});

test("S44: a transfer beyond the quota is tried again twice, each time when there is more", async () => {
  const giver = (kib: number, caps: number) =>
    config(start("giver", '<binary name="memory_eater"/><config give="yes" mib="4"/>', `caps="${caps}" ram="${kib}K"`));
  const tree = await system(["memory_eater"], giver(3 << 10, 120));
  const said = () => tree.lines.filter((line) => / gave /.test(line)).map((line) => line.replace(/.* gave /, ""));
  const asked = () => tree.lines.filter((line) => line.includes("requests resources")).length;
  const first = said().length;
  assert.ok(first >= 1 && first < 3, tree.lines.join("\n"));
  const more = async (kib: number, caps: number) => {
    tree.configure(giver(kib, caps));
    await tree.rest();
    return [said().length - first, asked()];
  };
  assert.deepEqual([said().at(-1), asked()], [`${first} MiB: ok`, 1]);
  assert.deepEqual(await more((3 << 10) + 4, 120), [0, 2], "4 KiB do not suffice");
  assert.deepEqual(await more((3 << 10) + 8, 120), [1, 3], "refused; the next one asks");
  assert.equal(said().at(-1), `${first + 1} MiB: out-of-ram`);
  await more(16 << 10, 120);
  assert.deepEqual(said().slice(first + 1), [`${first + 2} MiB: ok`, ...(first + 2 < 4 ? ["4 MiB: ok"] : [])]);
  assert.ok(
    tree.lines.some((line) => line.includes("requests resources: cap_quota=100")),
    tree.lines.join("\n"),
  );
  await more(16 << 10, 400);
  assert.equal(said().at(-1), "capabilities: ok");
  assert.ok(tree.lines.includes('[init] child "giver" exited with exit value 0'));
  tree.close();
});

test("S47: a component whose construct returns answers heartbeats, one that never returns skips them", async () => {
  const tree = await system(
    ["sheep_counter_async", "sheep_counter_timer"],
    config(`<heartbeat rate_ms="100"/><report delay_ms="50"/>
      ${start("async", '<binary name="sheep_counter_async"/><heartbeat/>', 'caps="200" ram="8M"')}
      ${start("loop", '<binary name="sheep_counter_timer"/><heartbeat/>', 'caps="200" ram="8M"')}`),
  );
  await tree.advance(1000);
  assert.match(tree.reports.at(-1)!, /<child name="async" binary="sheep_counter_async"\/>/);
  assert.match(tree.reports.at(-1)!, /<child name="loop" binary="sheep_counter_timer" skipped_heartbeats="[89]"\/>/);
  tree.close();
});

test("S47: a component that skips too many heartbeats is restarted, with all of its quota", async () => {
  const tree = await system(
    ["sheep_counter_timer"],
    config(`<heartbeat rate_ms="100"/>
      ${start("loop", '<binary name="sheep_counter_timer"/><heartbeat restart_after_skipped="5"/>', 'caps="200" ram="8M"')}`),
  );
  const quota = tree.pd("loop")!.ramQuota();
  await tree.advance(1300);
  const sheep = tree.lines.filter((line) => line.startsWith("[init -> loop]")).map((line) => line.slice(15, 16));
  assert.equal(tree.lines.filter((line) => line.includes("is restarted")).length, 2);
  assert.deepEqual(sheep.slice(0, 2), ["1", "1"]);
  await tree.advance(10);
  assert.ok(Math.abs(tree.pd("loop")!.ramQuota() - quota) < 64 << 10);
  tree.close();
});

test("S46: children that exit stay listed with their value, whatever the order", async () => {
  const child = (name: string, turns: number) =>
    start(name, `<binary name="stack_counter"/><config iterations="10" turns="${turns}"/>`, 'caps="200" ram="8M"');
  const tree = await system(["stack_counter"], config(`<report/>${child("a", 3)}${child("b", 1)}`));
  assert.equal(tree.lines.filter((line) => /^\[init -> a\] [123]$/.test(line)).length, 3);
  assert.match(
    tree.reports.at(-1)!,
    /<child name="a" binary="stack_counter" exited="0"\/>\s+<child name="b" binary="stack_counter" exited="0"\/>/,
  );
  assert.equal(tree.pd("a"), undefined);
  tree.close();
});
