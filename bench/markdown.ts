// Rows of figures as Markdown, to be pasted into docs/BENCHMARKS.md.

/** Figures by group and name; within a group they are comparable. */
export type Row = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Two lines: a group is named at its first column, one of one column not at all. */
export function markdownHead(row: Row): string {
  const columns = Object.entries(row).flatMap(([group, figures]) =>
    Object.keys(figures).map((name, i, { length }) => (i === 0 && length > 1 ? `${group}: ${name}` : name)),
  );
  return `| ${columns.join(" | ")} |\n${"|---".repeat(columns.length)}|`;
}

/** One line, with the least figure of each group in bold, if it is less than all others. */
export function markdownRow(row: Row): string {
  const cells = Object.values(row).flatMap((group) => {
    const figures = Object.values(group);
    const least = Math.min(...figures);
    const bold = figures.length > 1 && figures.filter((figure) => figure === least).length === 1;
    return figures.map((figure) => (bold && figure === least ? `**${figure}**` : `${figure}`));
  });
  return `| ${cells.join(" | ")} |`;
}
