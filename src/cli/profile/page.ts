// One self-contained page: the table of all scopes over the runs, and the timeline of the mean run in both palettes.
import { analyzeProfiles, type MergeOptions, type NamedProfile } from "../../profile/index.ts";
import { plotProfile } from "../../profile/plot.ts";
import { statisticsTable } from "./actions.ts";

const STYLE = `body { font: 16px/1.5 "DejaVu Sans", sans-serif; margin: 2em auto; max-width: 1640px; color: #222 }
table { border-collapse: collapse } th, td { padding: .2em .8em; border-bottom: 1px solid #ccc; text-align: right }
th:first-child, td:first-child { text-align: left } svg { max-width: 100%; height: auto }`;

/** @throws ProfileFault "disparity" when the runs differ */
export async function reportPage(title: string, runs: readonly NamedProfile[], options: MergeOptions): Promise<string> {
  const analysis = analyzeProfiles(runs, options);
  const [head, ...rows] = statisticsTable(analysis);
  const cells = (row: readonly string[], tag: string) =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  const plots = await Promise.all([
    plotProfile(analysis.results),
    plotProfile(analysis.results, { palette: "colour-blind" }),
  ]);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
<style>
${STYLE}
</style>
<h1>${escapeHtml(title)}</h1>
<p>${runs.length} runs: ${runs.map(({ what }) => escapeHtml(what)).join(", ")}. Times in microseconds, of each run all measurements of a scope
together.</p>
<table>
${cells(head!, "th")}
${rows.map((row) => cells(row, "td")).join("\n")}
</table>
<h2>Mean run</h2>
${plots[0]}
<h2>Mean run, in colours that everybody tells apart</h2>
${plots[1]}
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
