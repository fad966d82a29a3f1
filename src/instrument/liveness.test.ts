// Liveness against the textbook: sets per instruction, iterated over the flow graph until nothing changes.
//
// Bodies are written as words: `block loop if else end`, `br N`, `brif N`, `ret`, `get N`, `set N`, and `site`, a point
// that is asked about. Nothing else matters to liveness, so the words need not be valid code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Body, BodyDecoder, I32, OP } from "../wasm/index.ts";
import { Liveness } from "./liveness.ts";

const WORDS: Record<string, readonly number[]> = {
  block: [OP.block, 0x40],
  loop: [OP.loop, 0x40],
  if: [OP.if, 0x40],
  else: [OP.else],
  end: [OP.end],
  br: [OP.br],
  brif: [OP.brIf],
  ret: [OP.return],
  get: [OP.localGet],
  set: [OP.localSet],
  site: [OP.i32Eqz],
};

function bodyOf(text: string, locals: number): Body {
  const code = text.split(/\s+/).flatMap((word) => WORDS[word] ?? [Number(word)]);
  const bytes = new Uint8Array([1, locals, I32, ...code, OP.end]);
  return new BodyDecoder().decode({ bytes, offset: 0 }, []);
}

function sitesOf({ op, count }: Body): number[] {
  return Array.from({ length: count }, (_, at) => at).filter((at) => op[at] === OP.i32Eqz || op[at] === OP.loop);
}

/** Live locals at every site, the entry last: each as a list. */
function analysed(body: Body): number[][] {
  const sites = sitesOf(body);
  const siteAt = new Int32Array(body.count + 1);
  for (const [number, at] of [...sites, body.count].entries()) siteAt[at] = number + 1;
  const liveness = new Liveness();
  liveness.analyse(body, siteAt, sites.length + 1);
  return [...sites, body.count].map((_, number) => {
    const set = new Uint32Array(liveness.words);
    liveness.addTo(set, number);
    return body.locals.flatMap((_type, local) => ((set[local >>> 5]! >>> (local & 31)) & 1 ? [local] : []));
  });
}

/** The instructions that may follow each one; `count` stands for leaving the function. */
function flow({ op, a, match, next, count }: Body): number[][] {
  const open: number[] = [];
  return Array.from({ length: count }, (_, at) => {
    const target = (label: number) => {
      const opener = open[open.length - 1 - label];
      if (opener === undefined) return count;
      return op[opener] === OP.loop ? opener : match[opener]!;
    };
    switch (op[at]) {
      case OP.end:
        open.pop();
        return [at + 1];
      case OP.br:
        return [target(a[at]!)];
      case OP.brIf:
        return [at + 1, target(a[at]!)];
      case OP.return:
        return [count];
      case OP.else:
        return [match[match[at]!]!];
      case OP.if:
        open.push(at);
        return [at + 1, op[next[at]!] === OP.else ? next[at]! + 1 : next[at]!];
      case OP.block:
      case OP.loop:
        open.push(at);
        return [at + 1];
      default:
        return [at + 1];
    }
  });
}

function expected(body: Body): number[][] {
  const { op, a, count } = body;
  const successors = flow(body);
  const live = Array.from({ length: count + 1 }, () => new Set<number>());
  for (let grew = true; grew; ) {
    grew = false;
    for (let at = count - 1; at >= 0; at--) {
      const before = live[at]!.size;
      for (const next of successors[at]!) for (const local of live[next]!) live[at]!.add(local);
      if (op[at] === OP.localSet) live[at]!.delete(a[at]!);
      if (op[at] === OP.localGet) live[at]!.add(a[at]!);
      grew ||= live[at]!.size !== before;
    }
  }
  return [...sitesOf(body), 0].map((at) => [...live[at]!].sort((x, y) => x - y));
}

const CASES: readonly { text: string; sites: number[][] }[] = [
  { text: "site get 0 site set 0 site", sites: [[0], [], [], [0]] },
  { text: "set 0 loop get 0 site set 0 brif 0 end site", sites: [[0], [], [], []] },
  { text: "loop site loop get 1 brif 0 end set 1 site get 0 end", sites: [[0, 1], [0, 1], [0, 1], [0], [0, 1]] },
  {
    text: "loop loop get 1 end set 1 site get 0 brif 0 end",
    sites: [
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ],
  },
  { text: "if get 0 else site get 1 end site", sites: [[1], [], [0, 1]] },
  { text: "block brif 0 ret end site get 2", sites: [[2], [2]] },
  { text: "br 0 site get 0", sites: [[0], []] },
];

test("live locals at sites", () => {
  for (const { text, sites } of CASES) {
    const body = bodyOf(text, 3);
    assert.deepEqual(analysed(body), sites, text);
    assert.deepEqual(expected(body), sites, text);
  }
});

/** A random body of nested blocks, with branches to any of them. */
function randomBody(random: (bound: number) => number, locals: number): string {
  const words: string[] = [];
  const write = (depth: number, length: number): void => {
    for (let i = 0; i < length; i++) {
      const choice = random(depth > 6 ? 6 : 10);
      if (choice < 2) words.push(`get ${random(locals)}`);
      else if (choice === 2) words.push(`set ${random(locals)}`);
      else if (choice === 3) words.push("site");
      else if (choice === 4) words.push(`brif ${random(depth + 1)}`);
      else if (choice === 5) words.push(random(3) ? "site" : random(2) ? `br ${random(depth + 1)}` : "ret");
      else {
        const kind = ["block", "loop", "loop", "if"][random(4)]!;
        words.push(kind);
        write(depth + 1, random(6));
        if (kind === "if" && random(2)) {
          words.push("else");
          write(depth + 1, random(4));
        }
        words.push("end");
      }
    }
  };
  write(0, 12);
  return words.join(" ");
}

test("random bodies: the same as the textbook, in nests of loops and with many locals", () => {
  let state = 1;
  const random = (bound: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  for (let i = 0; i < 400; i++) {
    const locals = [3, 31, 70][i % 3]!;
    const text = randomBody(random, locals);
    const body = bodyOf(text, locals);
    assert.deepEqual(analysed(body), expected(body), text);
  }
});
