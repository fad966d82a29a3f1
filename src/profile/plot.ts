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
const MEANING: ReadonlyMap<string, string> = new Map([
  ["red", "checkpoint"],
  ["blue", "restore"],
  ["violet", "plain allocation"],
  ["green", "pause and resume"],
  ["gray", "other"],
]);
const WIDTH = 1120;
/** Length of the axis in lengths of what is drawn: totals stand behind the last blocks. */
const AXIS = 1.12;
/** Pixels: height of a row of labels above the plot, and most that one of their characters takes on average. */
const GAP_ROW = 14;
const GAP_CHARACTER = 8;
/** Blocks are at least this share of the width, so that short ones can be seen. */
const LEAST_BLOCK = 1 / 600;

interface Block {
  readonly scope: string;
  readonly start: number;
  stop: number;
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
  const blocks = blocksOf(instances, time, least);
  const totals = rows.map((scope) => ({ scope, ...totalOf(profileRow(instances, scope), time) }));
  const total = { type: "text", align: "left", dx: 8, fontSize: 13 };
  const gaps = placed(time.gaps, WIDTH / (length * AXIS));
  const y = { field: "scope", type: "nominal", sort: rows, title: null, axis: { labelLimit: 720 } } as const;
  const left = time.gaps.length === 0 ? " since start" : ", without the idle times at the dashed lines";
  const axis = `microseconds${left} (blocks are drawn ${shown(least)} µs wide at least)`;
  const x = {
    field: "start",
    type: "quantitative",
    title: axis,
    scale: { domain: [0, length * AXIS], nice: false },
  } as const;
  return {
    ...(title === undefined ? {} : { title }),
    width: WIDTH,
    height: { step: 30 },
    background: "white",
    padding: 12,
    config: {
      font: "DejaVu Sans",
      axis: { labelFontSize: 14, titleFontSize: 14 },
      title: { fontSize: 18, offset: 12 + GAP_ROW * heightOf(gaps) },
    },
    layer: [
      ...gapLayers(gaps),
      {
        data: { values: blocks },
        mark: { type: "bar", height: { band: 0.7 }, stroke: "white", strokeWidth: 0.5 },
        encoding: { y, x, x2: { field: "stop" }, color: colorsOf(blocks, palette) },
      },
      // The white around them first: lines run behind totals, not through them.
      ...[{ ...total, stroke: "white", strokeWidth: 4 }, total].map((mark) => ({
        data: { values: totals },
        mark,
        encoding: { y, x: { field: "end", type: "quantitative" }, text: { field: "label", type: "nominal" } },
      })),
    ],
  } as TopLevelSpec;
}

/** What of a row and a colour would be drawn over each other is one block: a row has as many as can be told apart. */
function blocksOf(instances: Profile["instances"], time: BusyTime, least: number): readonly Block[] {
  const blocks: Block[] = [];
  const last = new Map<string, Block>();
  for (const { name, color, start, stop } of instances) {
    const at = time.place(start);
    const end = Math.max(time.place(stop), at + least);
    const meaning = MEANING.get(color) ?? color;
    const before = last.get(name);
    if (before && before.meaning === meaning && at <= before.stop) {
      before.stop = Math.max(before.stop, end);
      continue;
    }
    const block = { scope: name, start: at, stop: end, meaning };
    last.set(name, block);
    blocks.push(block);
  }
  return blocks;
}

/** A gap with its label, and how many labels lie below that one. */
export interface GapLabel {
  readonly at: number;
  readonly label: string;
  readonly row: number;
}

/** @param scale pixels of one microsecond; each label is in the lowest row where it touches none */
export function placed(gaps: BusyTime["gaps"], scale: number): readonly GapLabel[] {
  const ends: number[] = [];
  return gaps.map(({ at, us }) => {
    const label = `${shown(us / 1000)} ms`;
    const half = (label.length * GAP_CHARACTER) / 2;
    const free = ends.findIndex((end) => end + GAP_CHARACTER <= at * scale - half);
    const row = free < 0 ? ends.length : free;
    ends[row] = at * scale + half;
    return { at, label, row };
  });
}

function heightOf(gaps: readonly GapLabel[]): number {
  return gaps.reduce((most, { row }) => Math.max(most, row + 1), 0);
}

/** A dashed line where time is left out, and how much above it. */
function gapLayers(gaps: readonly GapLabel[]): readonly object[] {
  const x = { field: "at", type: "quantitative" };
  const text = { type: "text", align: "center", baseline: "bottom", fontSize: 12, color: "#444444" };
  const labels = Array.from({ length: heightOf(gaps) }, (_, row) => ({
    data: { values: gaps.filter((gap) => gap.row === row) },
    mark: { ...text, dy: -2 - GAP_ROW * row },
    encoding: { x, y: { value: 0 }, text: { field: "label", type: "nominal" } },
  }));
  const rule = {
    data: { values: gaps },
    mark: { type: "rule", strokeDash: [4, 3], color: "#444444" },
    encoding: { x },
  };
  return gaps.length === 0 ? [] : [rule, ...labels];
}

function colorsOf(blocks: readonly Block[], palette: Palette): object {
  const colors: Readonly<Record<string, string>> = PALETTES[palette];
  const meanings = [...new Set(blocks.map(({ meaning }) => meaning))];
  const range = meanings.map((meaning) => {
    const [color] = [...MEANING].find(([, of]) => of === meaning) ?? [meaning];
    return Object.hasOwn(colors, color) ? colors[color] : color;
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
  return {
    end: place(row.reduce((end, { stop }) => Math.max(end, stop), Number.NEGATIVE_INFINITY)),
    label: `${shown(total)} µs${count}`,
  };
}

function shown(value: number): string {
  const digits = value < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: value < 100 ? 1 : 0 };
  return value.toLocaleString("en-US", digits);
}
