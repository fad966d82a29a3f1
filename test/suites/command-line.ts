// The command line that both runners share: `DIR [--json FILE] [--deadline SECONDS]`.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/util/index.ts";
import { count, type FileReport, reportJson, reportText } from "./report.ts";

export interface Suite {
  readonly name: string;
  readonly ways: readonly string[];
  /** What DIR holds, for the usage. */
  readonly folder: string;
  run(folder: string, options: { deadlineMs: number; progress: (report: FileReport) => void }): Promise<FileReport[]>;
}

const DEADLINE_S = 600;

/** Runs a suite, prints what it found; the exit code: 0 all passed, 1 something failed, 2 usage. */
export async function main(suite: Suite, args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (!parsed) {
    process.stderr.write(
      `usage: npm run suite:${suite.name} -- DIR [--json FILE] [--deadline SECONDS]\n${suite.folder}\n`,
    );
    return 2;
  }
  const progress = ({ file, checks, points }: FileReport) => {
    const { passed, failed, skipped } = count(checks);
    process.stderr.write(`${file}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${points} points\n`);
  };
  const reports = await suite.run(parsed.folder, { deadlineMs: parsed.deadlineS * 1000, progress });
  if (reports.length === 0) {
    process.stderr.write(`error: nothing to run in ${parsed.folder}\nhint: ${suite.folder}\n`);
    return 1;
  }
  if (parsed.json)
    writeFileSync(parsed.json, `${JSON.stringify(reportJson(suite.name, reports, suite.ways), null, 2)}\n`);
  console.log(reportText(reports, suite.ways));
  return count(reports.flatMap(({ checks }) => checks)).failed === 0 ? 0 : 1;
}

function parse(args: readonly string[]): { folder: string; json: string | undefined; deadlineS: number } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: "string" }, deadline: { type: "string" } },
    });
    const deadlineS = Number(values.deadline ?? DEADLINE_S);
    if (positionals.length !== 1 || !(deadlineS > 0)) return undefined;
    return { folder: positionals[0]!, json: values.json, deadlineS };
  } catch (thrown) {
    process.stderr.write(`error: ${messageOf(thrown)}\n`);
    return undefined;
  }
}
