// The timeline of the thesis's appendix C: a row for each scope in the order of its first measurement, a block for each
// measurement, the total of the row behind its last block.
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
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
  const end = Math.max(1, ...instances.map(({ stop }) => stop));
  const blocks: Block[] = instances.map(({ name, color, start, stop }) => ({
    scope: name,
    start,
    stop: Math.max(stop, start + end * LEAST_BLOCK),
    meaning: MEANING[color] ?? color,
  }));
  const totals = rows.map((scope) => ({ scope, ...totalOf(profileRow(instances, scope)) }));
  const meanings = [...new Set(blocks.map(({ meaning }) => meaning))];
  const colors: Readonly<Record<string, string>> = PALETTES[palette];
  const range = meanings.map((meaning) => {
    const color = Object.keys(MEANING).find((key) => MEANING[key] === meaning) ?? meaning;
    return colors[color] ?? color;
  });
  const y = { field: "scope", type: "nominal", sort: rows, title: null, axis: { labelLimit: 720 } } as const;
  return {
    ...(title === undefined ? {} : { title }),
    width: WIDTH,
    height: { step: 30 },
    background: "white",
    padding: 12,
    config: { font: "DejaVu Sans", axis: { labelFontSize: 14, titleFontSize: 14 }, title: { fontSize: 18 } },
    layer: [
      {
        data: { values: blocks },
        mark: { type: "bar", height: { band: 0.7 }, stroke: "white", strokeWidth: 0.5 },
        encoding: {
          y,
          x: {
            field: "start",
            type: "quantitative",
            title: "microseconds since start",
            scale: { domain: [0, end * 1.12] },
          },
          x2: { field: "stop" },
          color: {
            field: "meaning",
            type: "nominal",
            scale: { domain: meanings, range },
            legend: { title: null, orient: "bottom", labelFontSize: 14, labelLimit: 300, symbolSize: 200 },
          },
        },
      },
      {
        data: { values: totals },
        mark: { type: "text", align: "left", dx: 8, fontSize: 13 },
        encoding: { y, x: { field: "end", type: "quantitative" }, text: { field: "label", type: "nominal" } },
      },
    ],
  } as TopLevelSpec;
}

function profileRow(instances: Profile["instances"], scope: string): Profile["instances"] {
  return instances.filter(({ name }) => name === scope);
}

/** Where the row ends, and its total: `1,234 µs (12)`. */
function totalOf(row: Profile["instances"]): { readonly end: number; readonly label: string } {
  const total = row.reduce((sum, { start, stop }) => sum + stop - start, 0);
  const shown = total.toLocaleString("en-US", { maximumFractionDigits: total < 100 ? 1 : 0 });
  const count = row.length === 1 ? "" : ` (${row.length})`;
  return { end: Math.max(...row.map(({ stop }) => stop)), label: `${shown} µs${count}` };
}
