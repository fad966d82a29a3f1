// The surface of the text format: lists, words and strings, with their places. What they mean is wast.ts's business.

/** A word, a string with its quotes and escapes, or a list. */
export type Node = string | List;

export interface List {
  readonly items: readonly Node[];
  /** From 1. */
  readonly line: number;
  /** Offsets in the text, of the opening parenthesis and behind the closing one. */
  readonly start: number;
  readonly end: number;
}

const TOKEN = /\s+|;;[^\n]*|"(?:[^"\\]|\\[\s\S])*"|[()]|[^\s()";]+/y;

/** The lists of a text, in order. */
export function parseWast(text: string): List[] {
  const stack: { items: Node[]; line: number; start: number }[] = [{ items: [], line: 1, start: 0 }];
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const end = tokenEnd(text, at, line);
    const token = text.slice(at, end);
    const start = at;
    const here = line;
    line += token.split("\n").length - 1;
    at = end;
    if (/^(\s|;;|\(;)/.test(token)) continue;
    const open = stack.at(-1)!;
    if (token === "(") stack.push({ items: [], line: here, start });
    else if (token !== ")") open.items.push(token);
    else {
      stack.pop();
      const parent = stack.at(-1);
      if (!parent) throw new Error(`line ${here}: a parenthesis too many`);
      parent.items.push({ ...open, end });
    }
  }
  if (stack.length > 1) throw new Error(`line ${stack.at(-1)!.line}: a parenthesis is not closed`);
  return stack[0]!.items as List[];
}

function tokenEnd(text: string, at: number, line: number): number {
  if (text.startsWith("(;", at)) return commentEnd(text, at);
  TOKEN.lastIndex = at;
  if (!TOKEN.test(text))
    throw new Error(`line ${line}: expected a token, found ${JSON.stringify(text.slice(at, at + 20))}`);
  return TOKEN.lastIndex;
}

/** Block comments nest. */
function commentEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith("(;", at)) depth++;
    else if (text.startsWith(";)", at) && --depth === 0) return at + 2;
  }
  return text.length;
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", '"': '"', "'": "'", "\\": "\\" };

/** The bytes of a string. */
export function stringBytes(item: Node): Buffer {
  if (typeof item !== "string" || !item.startsWith('"'))
    throw new Error(`expected a string, found ${JSON.stringify(item)}`);
  const parts = item.slice(1, -1).match(/\\u\{[^}]*\}|\\[0-9a-fA-F]{2}|\\.|[^\\]+/gs) ?? [];
  return Buffer.concat(parts.map(partBytes));
}

function partBytes(part: string): Buffer {
  if (!part.startsWith("\\")) return Buffer.from(part);
  if (part.startsWith("\\u")) return Buffer.from(String.fromCodePoint(Number.parseInt(part.slice(3, -1), 16)));
  const short = ESCAPES[part[1]!];
  return short !== undefined && part.length === 2 ? Buffer.from(short) : Buffer.from(part.slice(1), "hex");
}
