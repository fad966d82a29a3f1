// Core's ROM under the common suites, and what it costs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../../test/contracts/bytes-dataspace.ts";
import { bootRomSessionSuite, romSessionSuite, textOf } from "../../../test/contracts/rom-session.ts";
import { refusal, success } from "../../util/index.ts";
import { RomModules } from "./index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function modules() {
  const made: number[] = [];
  const roms = new RomModules((size) => {
    made.push(size);
    return success(bytesDataspace(size, "rom"));
  });
  return { roms, made };
}

romSessionSuite("core rom", (content) => {
  const { roms } = modules();
  const module = roms.dynamic("config", content === undefined ? undefined : bytes(content));
  const session = roms.open("config")!;
  return {
    session,
    change: (text) => module.change(text === undefined ? undefined : bytes(text)),
    close: () => session.dispose(),
  };
});

bootRomSessionSuite("core boot rom", (content) => {
  const { roms } = modules();
  roms.boot("program", bytes(content));
  const session = roms.open("program")!;
  return { session, close: () => session.dispose() };
});

test("S56: sessions of a boot module share one dataspace, which outlives them", () => {
  const { roms, made } = modules();
  roms.boot("program", bytes("code"));
  const [first, second] = [roms.open("program")!, roms.open("program")!];
  const dataspace = first.dataspace();
  assert.equal(second.dataspace(), dataspace);
  assert.equal(dataspace.object?.writable(), false);
  first.dispose();
  assert.equal(textOf(second.dataspace()), "code");
  assert.deepEqual(made, [4]);
});

test("S56: an unknown module has no session", () => {
  const { roms } = modules();
  roms.boot("a", bytes("1"));
  roms.dynamic("b");
  assert.equal(roms.open("c"), undefined);
  assert.deepEqual(roms.names(), ["a", "b"]);
});

test("S56: a session that is closed ends its dataspace and hears of no change", () => {
  const { roms } = modules();
  const module = roms.dynamic("config", bytes("1"));
  const session = roms.open("config")!;
  const dataspace = session.dataspace();
  session.dispose();
  module.change(bytes("2"));
  assert.equal(dataspace.valid, false);
});

test("S56: without memory for it there is no dataspace, and no failure", () => {
  const roms = new RomModules(() => refusal("out-of-ram"));
  roms.boot("a", bytes("1"));
  roms.dynamic("b", bytes("1"));
  for (const name of roms.names()) {
    const session = roms.open(name)!;
    assert.equal(session.dataspace().valid, false);
    assert.equal(session.update(), false);
  }
});
