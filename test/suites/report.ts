// What a suite's run found, as a table, as lines and as JSON. Both runners print through it.

export type Status = "passed" | "failed" | "skipped";

/** One check of a suite, done one way. */
export interface Check {
  readonly file: string;
  /** Where in the file; 0 for the whole. */
  readonly line: number;
  readonly what: string;
  readonly way: string;
  readonly status: Status;
  /** Why it failed or was skipped. */
  readonly message?: string;
}

export interface FileReport {
  readonly file: string;
  readonly checks: readonly Check[];
  /** Safe points at which the run was stopped, saved and continued. */
  readonly points: number;
  /** Whole captures that were restored in fresh instances. */
  readonly captures: number;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function count(checks: readonly Check[]): Counts {
  const of = (status: Status) => checks.filter((check) => check.status === status).length;
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}

/** A table of files by ways, then all skips and failures one by one, then `N passed, N failed`. */
export function reportText(reports: readonly FileReport[], ways: readonly string[]): string {
  const checks = reports.flatMap((report) => report.checks);
  const { passed, failed, skipped } = count(checks);
  return [
    table(reports, ways),
    "",
    ...listed(checks, "skipped"),
    ...listed(checks, "failed"),
    `${passed} passed, ${failed} failed, ${skipped} skipped`,
    `${passed} passed, ${failed} failed`,
  ].join("\n");
}

export function reportJson(suite: string, reports: readonly FileReport[], ways: readonly string[]): object {
  const checks = reports.flatMap((report) => report.checks);
  const notable = (status: Status) => checks.filter((check) => check.status === status);
  return {
    suite,
    ...count(checks),
    ways: Object.fromEntries(ways.map((way) => [way, count(checks.filter((check) => check.way === way))])),
    files: reports.map(({ file, checks: own, points, captures }) => ({ file, ...count(own), points, captures })),
    failures: notable("failed"),
    skips: notable("skipped"),
    node: process.version,
    v8: process.versions.v8,
  };
}

function table(reports: readonly FileReport[], ways: readonly string[]): string {
  const rows = reports.map(({ file, checks, points, captures }) => {
    const cells = ways.map((way) => cell(count(checks.filter((check) => check.way === way))));
    return [file, ...cells, String(points), String(captures)];
  });
  const head = ["file", ...ways, "points", "captures"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join("  ");
  return ["passed/failed/skipped", line(head), ...rows.map(line)].join("\n");
}

function cell({ passed, failed, skipped }: Counts): string {
  return `${passed}/${failed}/${skipped}`;
}

/** One line for each place and message, the ways it holds for named. */
function listed(checks: readonly Check[], status: Status): string[] {
  const lines = new Map<string, string[]>();
  for (const { file, line, what, way, message, status: found } of checks) {
    if (found !== status) continue;
    const place = `${status} ${file}:${line} ${what}`;
    const key = `${place}\0${message ?? ""}`;
    lines.set(key, [...(lines.get(key) ?? []), way]);
  }
  return [...lines].map(([key, ways]) => key.replace("\0", ` (${ways.join(", ")}): `));
}
