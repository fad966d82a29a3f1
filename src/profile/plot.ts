// The timeline of the thesis's appendix C: a row for each scope in the order of its first measurement, a block for each
// measurement, the total of the row behind its last block. Time in which nothing was measured is left out (busy-time.ts).
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { type BusyTime, busyTime } from "./busy-time.ts";
import type { Profile } from "./profile-file.ts";

/** The thesis's colours, and others that people who see no red or green tell apart (Okabe and Ito). */
export const PALETTES = {
  thesis: { red: "#d62728", blue: "#1f4fd6", violet: "#8a2be2", green: "#2ca02c", gray: "#7f7f7f" },
  "colour-blind": { red: "#d55e00", blue: "#0072b2", violet: "#cc79a7", green: "#009e73", gray: "#666666" },
} as const;
export type Palette = keyof typeof PALETTES;

/** What the colours mean (thesis 6.1). */
const MEANING: Readonly<Record<string, string>> = {
  red: "checkpoint",
  blue: "restore",
  violet: "plain allocation",
  green: "pause and resume",
  gray: "other",
};
const WIDTH = 1120;
/** Blocks are at least this share of the width, so that short ones can be seen. */
const LEAST_BLOCK = 1 / 600;

interface Block {
  readonly scope: string;
  readonly start: number;
  readonly stop: number;
  readonly meaning: string;
}

export interface PlotOptions {
  readonly title?: string;
  readonly palette?: Palette;
}

/** The plot as SVG text, 1,600 pixels wide with its labels. */
export async function plotProfile(profile: Profile, options: PlotOptions = {}): Promise<string> {
  const view = new View(parse(compile(timeline(profile, options)).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function timeline(profile: Profile, { title, palette = "thesis" }: PlotOptions): TopLevelSpec {
  const instances = profile.instances.toSorted((a, b) => a.start - b.start);
  const rows = [...new Set(instances.map(({ name }) => name))];
  const time = busyTime(instances);
  const length = Math.max(1, time.length);
  const least = length * LEAST_BLOCK;
  const blocks: Block[] = instances.map(({ name, color, start, stop }) => {
    const at = time.place(start);
    return { scope: name, start: at, stop: Math.max(time.place(stop), at + least), meaning: MEANING[color] ?? color };
  });
  const totals = rows.map((scope) => ({ scope, ...totalOf(profileRow(instances, scope), time) }));
  const y = { field: "scope", type: "nominal", sort: rows, title: null, axis: { labelLimit: 720 } } as const;
  const left = time.gaps.length === 0 ? " since start" : ", without the idle times at the dashed lines";
  const axis = `microseconds${left} (blocks are drawn ${shown(least)} µs wide at least)`;
  const x = { field: "start", type: "quantitative", title: axis, scale: { domain: [0, length * 1.12] } } as const;
  return {
    ...(title === undefined ? {} : { title }),
    width: WIDTH,
    height: { step: 30 },
    background: "white",
    padding: 12,
    config: {
      font: "DejaVu Sans",
      axis: { labelFontSize: 14, titleFontSize: 14 },
      title: { fontSize: 18, offset: 28 },
    },
    layer: [
      ...gapLayers(time),
      {
        data: { values: blocks },
        mark: { type: "bar", height: { band: 0.7 }, stroke: "white", strokeWidth: 0.5 },
        encoding: { y, x, x2: { field: "stop" }, color: colorsOf(blocks, palette) },
      },
      {
        data: { values: totals },
        mark: { type: "text", align: "left", dx: 8, fontSize: 13 },
        encoding: { y, x: { field: "end", type: "quantitative" }, text: { field: "label", type: "nominal" } },
      },
    ],
  } as TopLevelSpec;
}

/** A dashed line where time is left out, and how much above it. */
function gapLayers({ gaps }: BusyTime): readonly object[] {
  const marks = gaps.map(({ at, us }) => ({ at, label: `${shown(us / 1000)} ms` }));
  const x = { field: "at", type: "quantitative" };
  const text = { type: "text", align: "center", baseline: "bottom", fontSize: 12, color: "#444444" };
  const labels = [0, 1].map((row) => ({
    data: { values: marks.filter((_, i) => i % 2 === row) }, // two heights: neighbours may be close
    mark: { ...text, dy: -2 - 14 * row },
    encoding: { x, y: { value: 0 }, text: { field: "label", type: "nominal" } },
  }));
  const rule = {
    data: { values: marks },
    mark: { type: "rule", strokeDash: [4, 3], color: "#444444" },
    encoding: { x },
  };
  return gaps.length === 0 ? [] : [rule, ...labels];
}

function colorsOf(blocks: readonly Block[], palette: Palette): object {
  const colors: Readonly<Record<string, string>> = PALETTES[palette];
  const meanings = [...new Set(blocks.map(({ meaning }) => meaning))];
  const range = meanings.map((meaning) => {
    const color = Object.keys(MEANING).find((key) => MEANING[key] === meaning) ?? meaning;
    return colors[color] ?? color;
  });
  const legend = { title: null, orient: "bottom", labelFontSize: 14, labelLimit: 300, symbolSize: 200 };
  return { field: "meaning", type: "nominal", scale: { domain: meanings, range }, legend };
}

function profileRow(instances: Profile["instances"], scope: string): Profile["instances"] {
  return instances.filter(({ name }) => name === scope);
}

/** Where the row ends on the axis, and its total: `1,234 µs (12)`. */
function totalOf(row: Profile["instances"], { place }: BusyTime): { readonly end: number; readonly label: string } {
  const total = row.reduce((sum, { start, stop }) => sum + stop - start, 0);
  const count = row.length === 1 ? "" : ` (${row.length})`;
  return { end: place(Math.max(...row.map(({ stop }) => stop))), label: `${shown(total)} µs${count}` };
}

function shown(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 1 : 0 });
}
