// The demonstration system and the page that describes configurations.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { INIT_SCHEMA } from "../../src/init/config/init-schema.ts";
import type { ElementSchema } from "../../src/init/config/schema.ts";
import { checkSystem } from "../../src/init/index.ts";
import { folder, Guest } from "./support.ts";

const ROOT = join(import.meta.dirname, "../..");
const DEMO = readFileSync(join(ROOT, "apps/demo.xml"), "utf8");

test("S49: the demonstration's configuration is without fault", () => {
  assert.deepEqual(checkSystem(DEMO).findings, []);
});

test("S55: the demonstration runs: compiled components two inits deep, their text through a server, reports, an exit", async (t) => {
  const names = ["sheep_counter_timer", "stack_counter", "sheep_counter_async"];
  const built = await buildComponents(names.map(componentNamed));
  const path = folder(t);
  mkdirSync(join(path, "modules"));
  for (const { component, file } of built) symlinkSync(file, join(path, "modules", `${component.name}.wasm`));
  const file = join(path, "demo.xml");
  writeFileSync(file, DEMO.replace('iterations="2000000"', 'iterations="100"'));
  // Virtual time: the sheep end the system, however long the others take to begin.
  const guest = new Guest(t, path, "run", "--deterministic", file);
  assert.equal(await guest.ended, 0, guest.err);
  const lines = guest.out.split("\n");
  for (let sheep = 1; sheep <= 12; sheep++)
    assert.ok(lines.includes(`[init -> log] [sheep] ${sheep} sheep. zzZ`), guest.out);
  for (let turn = 1; turn <= 4; turn++)
    assert.ok(lines.includes(`[init -> log] [subsystem -> stack] ${turn}`), guest.out);
  assert.ok(lines.includes('[init -> log] [subsystem] child "stack" exited with exit value 0'));
  assert.ok(lines.includes('[init -> log] [reports]   \t<child name="stack" binary="stack_counter" exited="0"/>'));
  assert.equal(lines.at(-2), '[init] child "sheep" exited with exit value 0');
});

test("S49: docs/SYSTEMS.md names every element and attribute", () => {
  const page = readFileSync(join(ROOT, "docs/SYSTEMS.md"), "utf8");
  const missing: string[] = [];
  const visit = ({ attributes, children }: ElementSchema) => {
    const named = attributes === "anything" ? [] : Object.keys(attributes);
    for (const name of named) if (!page.includes(`\`${name}\``)) missing.push(name);
    for (const [name, { element }] of Object.entries(children)) {
      if (!page.includes(`<${name}`)) missing.push(`<${name}>`);
      visit(element);
    }
  };
  visit(INIT_SCHEMA);
  assert.deepEqual(missing, []);
});
