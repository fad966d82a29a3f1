// CRIU and rtcr with several threads: bench/guests/threads.c natively with pthreads, and as a component with `thread-spawn`
// under a supervisor, from the command line: each of rtcr's steps begins with the start of a process.
//
// frozen   as in criu.ts; rtcr's from the first thread held to the last one released
// dump, restore  CRIU as in criu.ts; rtcr `rtcr checkpoint --stop` and `rtcr restore`, to the first line

import { execFileSync, spawn } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SHARED_MEMORY } from "../scripts/component-compilers.ts";
import { C_OPTIONS, runCompiler } from "../scripts/guest-compilers.ts";
import { type CriuSample, criuSample, exitOf, grows, inFolder, ROOT, type Sample } from "./criu-tools.ts";
import { median, rounded } from "./measure.ts";

const SOURCE = join(ROOT, "bench/guests/threads.c");
/** Besides the first: what a CPU session pays for without an upgrade. */
const THREADS = 2;
/** What a component takes beside the program's data. */
const OVERHEAD_MIB = 32;

type ColdSample = Omit<Sample, "imageBytes">;

export async function threadRows(folder: string, sizes: readonly number[], rounds: number): Promise<object[]> {
  const [native, wasm] = [join(folder, "threads"), join(folder, "threads.wasm")];
  execFileSync("gcc", ["-O2", "-Wall", "-Werror", "-pthread", SOURCE, "-o", native]);
  await runCompiler("/usr/bin/clang-19", [...C_OPTIONS, ...SHARED_MEMORY, SOURCE, "-o", wasm]);
  const rows: object[] = [];
  for (const sizeMiB of sizes) {
    const criu: CriuSample[] = [];
    const rtcr: ColdSample[] = [];
    for (let round = 0; round < rounds; round++) {
      criu.push(await criuSample(native, folder, (file) => [String(sizeMiB), file, String(THREADS)]));
      rtcr.push(await rtcrSample(wasm, folder, sizeMiB));
    }
    const ms = (samples: readonly ColdSample[], key: keyof ColdSample) =>
      rounded(median(samples.map((sample) => sample[key])), 1);
    rows.push({
      MiB: sizeMiB,
      threads: THREADS + 1,
      ...{ "frozen: CRIU": ms(criu, "frozen"), rtcr: ms(rtcr, "frozen") },
      ...{ "dump: CRIU": ms(criu, "dump"), "rtcr cold": ms(rtcr, "dump") },
      ...{ "restore: CRIU": ms(criu, "restore"), "rtcr restore cold": ms(rtcr, "restore") },
    });
  }
  return rows;
}

function rtcrSample(wasm: string, folder: string, sizeMiB: number): Promise<ColdSample> {
  return inFolder(folder, async (place) => {
    const env = { ...process.env, RTCR_HOME: join(place, "home") };
    const system = join(place, "system.xml");
    writeFileSync(system, systemOf(sizeMiB));
    const rtcr = (out: string, ...args: readonly string[]) => {
      const file = openSync(out, "w");
      const child = spawn(process.execPath, [join(ROOT, "bin/rtcr.js"), ...args], {
        env,
        stdio: ["ignore", file, "ignore"],
      });
      closeSync(file);
      return child;
    };
    mkdirSync(join(place, "modules"));
    copyFileSync(wasm, join(place, "modules/threads.wasm"));
    const [before, after, report] = ["before", "after", "report"].map((name) => join(place, name)) as [
      string,
      string,
      string,
    ];
    const first = exitOf(rtcr(before, "run", "--name", "threads", system));
    await grows(before, 0, first);
    const at = performance.now();
    await exitOf(rtcr(report, "checkpoint", "--json", "--stop", "threads"));
    const dump = performance.now() - at;
    await first;
    const { pausedMs } = JSON.parse(readFileSync(report, "utf8"));
    const begin = performance.now();
    const second = rtcr(after, "restore", "threads", system);
    await grows(after, 0, exitOf(second));
    const restore = performance.now() - begin;
    const ended = new Promise((resolve) => second.once("exit", resolve));
    second.kill("SIGKILL");
    await ended;
    return { frozen: pausedMs, dump, restore };
  });
}

/** A supervisor with the program as its only child; its lines go to LOG, which is standard output. */
function systemOf(sizeMiB: number): string {
  const services = ["PD", "CPU", "ROM", "RM", "LOG", "Timer"].map((name) => `<service name="${name}"/>`).join("");
  const routes = `<parent-provides>${services}</parent-provides>
    <default-route><any-service><parent/></any-service></default-route>`;
  const args = [sizeMiB, "-", THREADS].map((value) => `<arg value="${value}"/>`).join("");
  const quota = sizeMiB + OVERHEAD_MIB;
  return `<config>${routes}
    <start name="rtcr" caps="2000" ram="${quota + OVERHEAD_MIB}M"><config>${routes}
      <start name="threads" caps="500" ram="${quota}M"><config>${args}</config></start>
    </config></start></config>`;
}
