// Prints the shape of the sources: median, p90 and the ten largest files, and the share of comments by folder. Fails
// when a file is longer than LIMIT_LINES (style: aim at 250). The length of functions is biome's to check.
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

const LIMIT_LINES = 400;
const root = join(import.meta.dirname, "../src");

interface Shape {
  readonly name: string;
  readonly lines: number;
  readonly comments: number;
}

const shapes: Shape[] = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => {
    const lines = readFileSync(join(root, file), "utf8").trimEnd().split("\n");
    const comments = lines.filter((line) => /^\s*(\/\/|\/?\*)/.test(line)).length;
    return { name: file.split(sep).join("/"), lines: lines.length, comments };
  })
  .sort((a, b) => b.lines - a.lines);

const at = (part: number) => shapes[Math.floor((shapes.length - 1) * (1 - part))]!.lines;
console.log(`sizes: ${shapes.length} files, lines: median ${at(0.5)}, p90 ${at(0.9)}, max ${shapes[0]!.lines}`);
for (const { name, lines } of shapes.slice(0, 10)) console.log(`  ${String(lines).padStart(4)}  src/${name}`);

const folders = Map.groupBy(shapes, ({ name }) => name.split("/")[0]!);
const shares = [...folders].map(([folder, files]) => {
  const sum = (key: "lines" | "comments") => files.reduce((total, file) => total + file[key], 0);
  return `${folder} ${Math.round((100 * sum("comments")) / sum("lines"))} %`;
});
console.log(`comments: ${shares.sort().join(", ")}`);

const long = shapes.filter(({ lines }) => lines > LIMIT_LINES);
for (const { name, lines } of long) console.error(`src/${name}: ${lines} lines, the limit is ${LIMIT_LINES}: split it`);
process.exit(long.length ? 1 : 0);
