// The processes that suites run in: what a job does to its process does not end the run.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Isolation } from "./suites/isolate.ts";

const folder = mkdtempSync(join(tmpdir(), "rtcr-isolate-"));
after(() => rmSync(folder, { recursive: true }));
const module = join(folder, "process.mjs");
writeFileSync(
  module,
  `import { answerJobs } from ${JSON.stringify(new URL("./suites/isolate.ts", import.meta.url).href)};
   let done = 0;
   answerJobs(async ({ what }) => {
     if (what === "end") process.exit(3);
     if (what === "end when used" && done > 0) process.exit(4);
     if (what === "end afterwards") setTimeout(() => process.exit(5), 10);
     if (what === "fail") throw new Error("failed");
     if (what === "never") await new Promise(() => setInterval(() => undefined, 1000));
     return ++done;
   });`,
);

interface Job {
  readonly what: string;
}

test("a job whose process ends, fails or never comes to an end is a failure of its own", async () => {
  const isolation = new Isolation<Job, number>(pathToFileURL(module));
  assert.equal(await isolation.run({ what: "go" }, 60_000), 1);
  assert.equal(await isolation.run({ what: "go" }, 60_000), 2, "the process is kept");
  await assert.rejects(isolation.run({ what: "end" }, 60_000), /ended with 3 and without a result/);
  await assert.rejects(isolation.run({ what: "fail" }, 60_000), /failed/);
  await assert.rejects(isolation.run({ what: "never" }, 200), /no end within 0.2 s/);
  assert.equal(await isolation.run({ what: "go" }, 60_000), 1, "a new process");
  isolation.close();
});

test("a job that a used process cannot do any more is done in a new one", async () => {
  const isolation = new Isolation<Job, number>(pathToFileURL(module));
  await isolation.run({ what: "go" }, 60_000);
  assert.equal(await isolation.run({ what: "end when used" }, 60_000), 1);
  isolation.close();
});

test("a process that ends between two jobs is replaced", async () => {
  const isolation = new Isolation<Job, number>(pathToFileURL(module));
  assert.equal(await isolation.run({ what: "end afterwards" }, 60_000), 1);
  let answer = 2;
  while (answer > 1) answer = await isolation.run({ what: "go" }, 60_000);
  assert.equal(answer, 1, "a new process has come, and no job was lost on the way");
  isolation.close();
});
