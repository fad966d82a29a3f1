// CRIU and rtcr with several threads and an open file: bench/guests/threads.c natively with pthreads, and as a component
// with `thread-spawn` and a File_system session under a supervisor. They take turns.
//
// rtcr, warm  a supervisor that runs already (criu-warm.ts)
// cold        from the command line: each step begins with the start of a process
//
// frozen   as in criu.ts; rtcr's from the first thread held to the end of the copy. Cold: the process has just begun
// dump     of a program that stands still afterwards; rtcr's on the disk (fsync)
// restore  from the request to the first new line; again: by the supervisor that ran the program before, and has its module

import { execFileSync, type StdioOptions, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SHARED_MEMORY } from "../scripts/component-compilers.ts";
import { C_OPTIONS, runCompiler } from "../scripts/guest-compilers.ts";
import { type CriuSample, criuSample, exitOf, grows, inFolder, ROOT, type Sample } from "./criu-tools.ts";
import { type WarmProgram, type WarmSample, warmSample } from "./criu-warm.ts";
import type { Row } from "./markdown.ts";
import { median, rounded } from "./measure.ts";

const SOURCE = join(ROOT, "bench/guests/threads.c");
const GUEST_DIRECTORY = "/out";
/** Besides the first: what a CPU session pays for without an upgrade. */
const THREADS = 2;
/** What a component takes beside the program's data. */
const OVERHEAD_MIB = 32;

type ColdSample = Omit<Sample, "imageBytes">;

/** @returns measures a row of so many MiB */
export async function threadRows(folder: string, rounds: number): Promise<(sizeMiB: number) => Promise<Row>> {
  const [native, wasm] = [join(folder, "threads"), join(folder, "threads.wasm")];
  execFileSync("gcc", ["-O2", "-Wall", "-Werror", "-pthread", SOURCE, "-o", native]);
  await runCompiler("/usr/bin/clang-19", [...C_OPTIONS, ...SHARED_MEMORY, SOURCE, "-o", wasm]);
  return async (sizeMiB) => {
    const criu: CriuSample[] = [];
    const warm: WarmSample[] = [];
    const cold: ColdSample[] = [];
    const program = { wasm, config: systemOf(sizeMiB), guestDirectory: GUEST_DIRECTORY };
    await warmSample(program, folder); // warms up
    for (let round = 0; round < rounds; round++) {
      criu.push(await criuSample(native, folder, (file) => [String(sizeMiB), file, String(THREADS)]));
      warm.push(await warmSample(program, folder));
      cold.push(await coldSample(program, folder));
    }
    return rowOf(sizeMiB, criu, warm, cold);
  };
}

function rowOf(
  sizeMiB: number,
  criu: readonly CriuSample[],
  warm: readonly WarmSample[],
  cold: readonly ColdSample[],
): Row {
  const ms = <K extends string>(samples: readonly Record<K, number>[], key: K) =>
    rounded(median(samples.map((sample) => sample[key])), 1);
  const mib = (samples: readonly Sample[]) =>
    rounded(median(samples.map(({ imageBytes }) => imageBytes)) / (1 << 20), 1);
  return {
    size: { MiB: sizeMiB },
    frozen: { CRIU: ms(criu, "frozen"), "rtcr, warm": ms(warm, "frozen"), cold: ms(cold, "frozen") },
    dump: {
      ...{ CRIU: ms(criu, "dump"), "CRIU, fsync": ms(criu, "flushed") },
      ...{ "rtcr, warm, fsync": ms(warm, "dump"), "cold, fsync": ms(cold, "dump") },
    },
    "restore to first output": {
      ...{ CRIU: ms(criu, "restore"), "rtcr, warm": ms(warm, "restore"), again: ms(warm, "again") },
      cold: ms(cold, "restore"),
    },
    "image MiB": { CRIU: mib(criu), rtcr: mib(warm) },
  };
}

function coldSample({ wasm, config }: WarmProgram, folder: string): Promise<ColdSample> {
  return inFolder(folder, async (place, file) => {
    const env = { ...process.env, RTCR_HOME: join(place, "home") };
    const system = join(place, "system.xml");
    writeFileSync(system, config);
    mkdirSync(join(place, "modules"));
    copyFileSync(wasm, join(place, "modules/threads.wasm"));
    const rtcr = (args: readonly string[], out: StdioOptions = "ignore") =>
      spawn(process.execPath, [join(ROOT, "bin/rtcr.js"), ...args], { env, stdio: out });
    const directory = ["--dir", `${join(place, "out")}::${GUEST_DIRECTORY}`];
    const first = exitOf(rtcr(["run", "--name", "threads", ...directory, system]));
    await grows(file, 0, first);
    const at = performance.now();
    const dumping = rtcr(["checkpoint", "--json", "--stop", "threads"], ["ignore", "pipe", "ignore"]);
    const [report] = await Promise.all([text(dumping.stdout!), exitOf(dumping)]);
    const dump = performance.now() - at;
    await first;
    const before = statSync(file).size;
    const begin = performance.now();
    const second = rtcr(["restore", ...directory, "threads", system]);
    await grows(file, before, exitOf(second));
    const restore = performance.now() - begin;
    const ended = new Promise((resolve) => second.once("exit", resolve));
    second.kill("SIGKILL");
    await ended;
    return { frozen: JSON.parse(report).pausedMs, dump, restore };
  });
}

/** A supervisor with the program as its only child. */
function systemOf(sizeMiB: number): string {
  const names = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "File_system"];
  const services = names.map((name) => `<service name="${name}"/>`).join("");
  const routes = `<parent-provides>${services}</parent-provides>
    <default-route><any-service><parent/></any-service></default-route>`;
  const args = [sizeMiB, `${GUEST_DIRECTORY}/lines`, THREADS].map((value) => `<arg value="${value}"/>`).join("");
  const quota = sizeMiB + OVERHEAD_MIB;
  return `<config>${routes}
    <start name="rtcr" caps="2000" ram="${quota + OVERHEAD_MIB}M"><config>${routes}
      <start name="threads" caps="500" ram="${quota}M"><config>${args}</config></start>
    </config></start></config>`;
}
