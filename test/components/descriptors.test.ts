// Descriptors of WASI programs lie in the kernel, and behind each may be one of the host's: the program's PD pays for them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createFileSystem } from "../../src/core/index.ts";
import { createMemoryVolume } from "../../src/core/memory-file-system.ts";
import { deterministicWasi } from "../../src/machine/component-wasi.ts";
import { assemble } from "../assemble.ts";
import { config, start, startSystem } from "../support/core-system.ts";

/** Opens its directory until that is refused, says how often and by which errno it was; closes all, and does so again. */
const OPENER = assemble(`(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) ".") (data (i32.const 64) "00000 00\\n")
  (func $digits (param $at i32) (param $value i32)
    (loop $next
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $next (local.tee $value (i32.div_u (local.get $value) (i32.const 10))))))
  (func $round (local $opened i32) (local $errno i32) (local $fd i32)
    (loop $more
      (local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2)
        (i64.const 0x4000) (i64.const 0x4000) (i32.const 0) (i32.const 32)))
      (if (i32.eqz (local.get $errno)) (then
        (drop (call $readdir (i32.load (i32.const 32)) (i32.const 1024) (i32.const 100) (i64.const 0) (i32.const 36)))
        (local.set $opened (i32.add (local.get $opened) (i32.const 1)))
        (br $more))))
    (i32.store (i32.const 64) (i32.const 0x30303030)) (i32.store8 (i32.const 68) (i32.const 48))
    (i32.store16 (i32.const 70) (i32.const 0x3030))
    (call $digits (i32.const 68) (local.get $opened)) (call $digits (i32.const 71) (local.get $errno))
    (i32.store (i32.const 40) (i32.const 64)) (i32.store (i32.const 44) (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 40) (i32.const 1) (i32.const 48)))
    (local.set $fd (i32.const 4))
    (loop $all
      (drop (call $close (local.get $fd)))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $all (i32.le_u (local.get $fd) (i32.add (local.get $opened) (i32.const 3))))))
  (func (export "_start") (call $round) (call $round)))`);
const NOMEM = 48;

test("S14: descriptors are charged to the program's PD, refused beyond its quota, and given back when they are closed", async () => {
  const system = startSystem({
    config: config(start("opener", "", 'caps="200" ram="4M"')),
    binaries: { opener: OPENER },
    files: (_, state) => createFileSystem([createMemoryVolume({ guestPaths: ["/data"] })], state),
    wasi: deterministicWasi,
  });
  await system.core.kernel.scheduler.quiet();
  const [first, second] = system.lines;
  const [, opened, errno] = /^\[init -> opener\] (\d{5}) (\d\d)$/.exec(String(first)) ?? [];
  assert.ok(Number(opened) > 500 && Number(opened) < 1000, String(first));
  assert.equal(Number(errno), NOMEM);
  assert.equal(second, first, "all were given back");
  system.close();
});
