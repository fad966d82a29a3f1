// What a rewritten program is asked when frames are read and continued, remembered: answers follow from the module, the
// options and the rewriter alone, so those of one process do for the next one, which then needs no rewriter.
//
// Some things get their numbers as they are met. So all answers of a set, and whatever answers further questions, go by one
// numbering, which the set has.

import type { Rewritten } from "../engine/index.ts";

/** What can be asked. */
export type Answers = Pick<
  Rewritten,
  "layout" | "at" | "signature" | "continuations" | "references" | "globals" | "payloads"
>;

/** What is numbered as it is met, in the order of the numbers. */
export interface Numbering {
  /** Types of the tables for references in frames: the module's own, then others. */
  readonly referenceTypes: readonly number[];
  /** Layouts beside those of the functions (Program.variants). */
  readonly variants: readonly string[];
}

/** Answers, and the numbering that they go by. */
export interface AnswerSet {
  readonly numbering: Numbering;
  /** By question. */
  readonly answers: ReadonlyMap<string, unknown>;
}

/** More is not remembered: then what is known is forgotten. All of it is written at once, while a program stands. */
const MOST = { answers: 4_096, bytes: 4 << 20 } as const;

/** Answers from a set what it knows. */
export class RememberedAnswers implements Answers {
  readonly #known: Map<string, unknown>;
  readonly #ask: () => Answers;
  readonly #fresh = new Set<string>();
  #bytes = 0;

  /** @param ask who knows everything; is called when the set does not */
  constructor(known: ReadonlyMap<string, unknown>, ask: () => Answers) {
    this.#known = new Map(known);
    for (const answer of known.values()) this.#bytes += bytesOf(answer);
    this.#ask = ask;
  }

  /** Whether something was asked that the set did not know. */
  get grown(): boolean {
    return this.#fresh.size > 0;
  }

  /** All answers, to be kept; none of them is fresh from then on. */
  take(): ReadonlyMap<string, unknown> {
    this.#fresh.clear();
    return this.#known;
  }

  layout(number: number): ReturnType<Answers["layout"]> {
    return this.#answer(`layout ${number}`, (all) => all.layout(number));
  }

  /** A place is kept as numbers: its layout is an answer of its own. */
  at(functionIndex: number, position: number): ReturnType<Answers["at"]> {
    const found = this.#answer(`at ${functionIndex} ${position}`, (all) => {
      const place = all.at(functionIndex, position);
      return place && { layout: place.layout.number, site: place.site.number };
    });
    if (!found) return undefined;
    const layout = this.layout(found.layout);
    return { layout, site: layout.sites[found.site]! };
  }

  signature(functionIndex: number): ReturnType<Answers["signature"]> {
    return this.#answer(`signature ${functionIndex}`, (all) => all.signature(functionIndex));
  }

  continuations(requests: Parameters<Answers["continuations"]>[0]): ReturnType<Answers["continuations"]> {
    const places = requests.map(({ function: index, site }) => `${index} ${site}`);
    return this.#answer(`continuations ${places}`, (all) => all.continuations(requests));
  }

  references(number: number): Uint8Array {
    return this.#answer(`references ${number}`, (all) => all.references(number));
  }

  get globals(): Answers["globals"] {
    return this.#answer("globals", (all) => all.globals);
  }

  get payloads(): Answers["payloads"] {
    return this.#answer("payloads", (all) => all.payloads);
  }

  #answer<T>(question: string, ask: (all: Answers) => T): T {
    if (this.#known.has(question)) return this.#known.get(question) as T;
    const answer = ask(this.#ask());
    const bytes = bytesOf(answer);
    if (this.#known.size >= MOST.answers || this.#bytes + bytes > MOST.bytes) {
      this.#known.clear();
      this.#fresh.clear();
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    this.#known.set(question, answer);
    this.#fresh.add(question);
    return answer;
  }
}

const BYTES = "bytes:";

/** About as many as an answer takes in a set that is written. */
function bytesOf(answer: unknown): number {
  if (answer instanceof Uint8Array) return answer.length * 1.4;
  if (typeof answer === "string") return answer.length;
  if (typeof answer !== "object" || answer === null) return 8;
  return Object.entries(answer).reduce((sum, [name, value]) => sum + name.length + bytesOf(value), 0);
}

/** A set as JSON. */
export function writeAnswers({ numbering, answers }: AnswerSet): string {
  const list = [...answers].map(([question, answer]) => [question, answer ?? null]);
  return JSON.stringify({ numbering, answers: list }, (_, value) =>
    value instanceof Uint8Array ? BYTES + value.toBase64() : value,
  );
}

/** The set that `writeAnswers` has written. */
export function readAnswers(text: string): AnswerSet {
  const { numbering, answers } = JSON.parse(text, (_, value) =>
    typeof value === "string" && value.startsWith(BYTES) ? Uint8Array.fromBase64(value.slice(BYTES.length)) : value,
  ) as { numbering: Numbering; answers: [string, unknown][] };
  return { numbering, answers: new Map(answers.map(([question, answer]) => [question, answer ?? undefined])) };
}
