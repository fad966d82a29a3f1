// What `rtcr profile` can do with profiles: a function for each action.
import { extname } from "node:path";
import { type Analysis, analyzeProfiles, filterLog, mergeProfiles, writeProfile } from "../../profile/index.ts";
import type { Io, Values } from "../command.ts";
import { flag } from "../command.ts";
import { usageError } from "../failure.ts";
import { readInputText, writeWhole } from "../files.ts";
import { printJson, printTable } from "../print.ts";
import { outputOf, readProfiles } from "./files.ts";

/** Default output of `analyze`, as the thesis's tool has it. */
const RESULTS = "results.json";

interface Action {
  /** Fewest and most files. */
  readonly files: readonly [least: number, most: number];
  run(files: readonly string[], values: Values, io: Io): Promise<void>;
}

export const ACTIONS: Readonly<Record<string, Action>> = {
  filter: {
    files: [1, 1],
    run: async ([log], values) => {
      writeWhole(outputOf(values, "filter"), writeProfile(filterLog(readInputText(log!), log!)));
    },
  },
  merge: {
    files: [1, Number.POSITIVE_INFINITY],
    run: async (files, values) => {
      writeWhole(outputOf(values, "merge"), writeProfile(mergeProfiles(readProfiles(files), disparities(values))));
    },
  },
  analyze: { files: [1, Number.POSITIVE_INFINITY], run: analyze },
  plot: { files: [1, 1], run: plot },
  report: { files: [1, Number.POSITIVE_INFINITY], run: report },
};

async function analyze(files: readonly string[], values: Values, io: Io): Promise<void> {
  const analysis = analyzeProfiles(readProfiles(files), disparities(values));
  const output = typeof values["output"] === "string" ? values["output"] : RESULTS;
  writeWhole(output, writeProfile(analysis.results));
  if (flag(values, "json")) return printJson(io, analysis.scopes);
  printTable(io, statisticsTable(analysis));
}

/** Microseconds, a row for each scope. */
export function statisticsTable({ scopes }: Analysis): readonly (readonly string[])[] {
  const head = ["scope", "count", "runs", "min", "median", "mean", "p95", "max", "deviation"];
  const rows = scopes.map(({ name, count, runs, min, median, mean, p95, max, deviation }) => [
    name,
    `${count}`,
    `${runs}`,
    ...[min, median, mean, p95, max, deviation].map((value) => value.toFixed(1)),
  ]);
  return [head, ...rows];
}

async function plot([file]: readonly string[], values: Values): Promise<void> {
  const [input] = readProfiles([file!]);
  const output = outputOf(values, "plot");
  const kind = extname(output);
  if (kind !== ".svg" && kind !== ".png") {
    throw usageError(`profile plot: -o is "${output}", expected a name that ends in .svg or .png`, "profile");
  }
  const { plotProfile } = await import("../../profile/plot.ts");
  const title = typeof values["title"] === "string" ? { title: values["title"] } : {};
  const palette = flag(values, "colour-blind") ? ("colour-blind" as const) : ("thesis" as const);
  const svg = await plotProfile(input!.profile, { ...title, palette });
  if (kind === ".svg") return writeWhole(output, svg);
  const { toPng } = await import("../../profile/png-node.ts");
  writeWhole(output, toPng(svg));
}

async function report(files: readonly string[], values: Values): Promise<void> {
  const output = outputOf(values, "report");
  const { reportPage } = await import("./page.ts");
  const title = typeof values["title"] === "string" ? values["title"] : "Profile";
  writeWhole(output, await reportPage(title, readProfiles(files), disparities(values)));
}

function disparities(values: Values): {
  readonly ignoreScopeDisparity: boolean;
  readonly ignoreColorDisparity: boolean;
} {
  return {
    ignoreScopeDisparity: flag(values, "ignore-scope-disparity"),
    ignoreColorDisparity: flag(values, "ignore-color-disparity"),
  };
}
