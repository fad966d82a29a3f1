import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Home, openHome } from "./home.ts";
import { keepModule, listModules, type ModuleFiles, removeModule, returnModules } from "./modules.ts";

const MODULE = { bytes: new Uint8Array([0, 1, 2]), hash: "a".repeat(64) };
const NAME = `${MODULE.hash}.wasm`;

function kept(t: TestContext): Home {
  const path = mkdtempSync(join(tmpdir(), "rtcr-modules-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const home = openHome(path);
  keepModule(home, MODULE);
  return home;
}

/** Node's files, killed in front of the operation of this number; `before` comes first of all. */
function killedAt(operation: number, before: (name: string) => void): ModuleFiles {
  let left = operation;
  const step =
    <Args extends readonly unknown[]>(name: string, act: (...args: Args) => void) =>
    (...args: Args) => {
      if (left-- === 0) throw new Error("killed");
      before(name);
      act(...args);
    };
  return {
    rename: step("rename", renameSync),
    link: step("link", linkSync),
    remove: step("remove", (path: string) => rmSync(path, { force: true })),
  };
}

/** Somebody keeps the module in the moment before a gc moves it away. */
const usedBefore = (home: Home) => (name: string) => {
  if (name === "rename") utimesSync(home.find("modules", NAME), 1, 1);
};

for (const used of [false, true]) {
  test(`a gc that is killed at any operation loses no module${used ? " that somebody keeps meanwhile" : ""}`, (t) => {
    for (let operation = 0, over = false; !over; operation++) {
      const home = kept(t);
      const files = killedAt(operation, used ? usedBefore(home) : () => {});
      const [module] = listModules(home);
      let removed = false;
      try {
        removed = removeModule(module!, files);
        over = true;
      } catch (thrown) {
        assert.match(String(thrown), /killed/);
      }
      assert.equal(removed, over && !used);
      for (let again = 0, returned = false; !returned; again++) {
        try {
          returnModules(
            home,
            killedAt(again, () => {}),
          ); // which may be killed too
          returned = true;
        } catch (thrown) {
          assert.match(String(thrown), /killed/);
        }
      }
      assert.deepEqual(home.list("modules"), removed ? [] : [NAME], `operation ${operation}`);
      if (!removed) assert.deepEqual(new Uint8Array(readFileSync(home.find("modules", NAME))), MODULE.bytes);
    }
  });
}

test("a module that the disk has no room for leaves nothing behind", {
  skip: process.platform !== "linux" && "a limit for files that gives an error",
}, (t) => {
  const home = kept(t);
  const modules = JSON.stringify(new URL("./modules.ts", import.meta.url).href);
  const homes = JSON.stringify(new URL("./home.ts", import.meta.url).href);
  const script = `const { keepModule } = await import(${modules}); const { openHome } = await import(${homes});
    keepModule(openHome(process.argv[1]), { bytes: new Uint8Array(1 << 20), hash: "b".repeat(64) });`;
  const command = [
    "-c",
    'ulimit -f 8; exec "$0" "$@"',
    process.execPath,
    "--input-type=module",
    "-e",
    script,
    home.path,
  ];
  const { status, stderr } = spawnSync("bash", command, { encoding: "utf8" });
  assert.deepEqual([status, /EFBIG/.test(stderr)], [1, true], stderr);
  assert.deepEqual(home.list("modules"), [NAME]);
});

test("a module that another gc has away for a moment comes back, and one that was kept anew meanwhile stays", (t) => {
  const home = kept(t);
  const [module] = listModules(home);
  const files = killedAt(-1, (name) => {
    if (name === "remove") returnModules(home);
  });
  removeModule(module!, files);
  assert.deepEqual(home.list("modules"), [NAME]);
  const aside = home.find("modules", `${NAME}.gc.${"0".repeat(12)}`);
  writeFileSync(aside, MODULE.bytes);
  utimesSync(home.find("modules", NAME), 7, 7);
  returnModules(home);
  assert.deepEqual(readdirSync(home.find("modules")), [NAME]);
  assert.equal(listModules(home)[0]!.usedMs, 7000);
});
