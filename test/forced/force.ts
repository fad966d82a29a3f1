// Freezes, serialises and restores a program at every site, whether its own runs come there or not: its functions are
// called one by one, and their branches steered to one site after the other.
//
// What runs is the program with the same functions, sites and values in frames, but with branches that ask a table
// (steerable.ts). Each call ends as on the plain engine, with the same memory.

import { sitesOf } from "../../src/cli/torture/sites.ts";
import { loadProgram } from "../../src/core/program.ts";
import { F32, F64, functionName, I64, importsOf, type ValueType } from "../../src/wasm/index.ts";
import { type Random, seededRandom } from "../random.ts";
import { type Route, Routes } from "./routes.ts";
import { callable, DENSE, SteeredProgram } from "./run.ts";
import { type Choice, OWN, type Steerable, steerable } from "./steerable.ts";

/** How often a way to a site is taken before it is left: one attempt after the other, each with other arguments. */
const COUNTS = [1, 2, 1, 4, 1, 16, 3, 1];

export interface Forced {
  /** How many sites the program has. */
  readonly sites: number;
  /** Those at which no frame stood. */
  readonly unreached: readonly Unreached[];
  /** Calls that were made. */
  readonly calls: number;
}

export interface Unreached {
  /** Name, or `function N`. */
  readonly function: string;
  readonly position: number;
  /** Whether there is no way to it: each leads through a call that never comes back, or no callee has a safe point. */
  readonly dead: boolean;
}

/** @throws AssertionError where a frozen call and one on the plain engine differ */
export function force(bytes: Uint8Array, name: string): Forced {
  const given = steerable(bytes);
  const sites = sitesOf(loadProgram(bytes, name, DENSE)).map(placeOf);
  const program = new SteeredProgram(given, name);
  const routes = routesOf(given, sites);
  const original = positionsBack(given);
  const left = new Set(sites.map(textOf));
  let calls = 0;
  for (const site of sites) {
    const params = program.params(site[0]);
    const route = left.has(textOf(site)) && callable(params) ? routes.to(site) : undefined;
    const target = `${site[0]} ${given.moved.get(site[0])!.get(site[1])!}`;
    for (let attempt = 0; route && attempt < COUNTS.length && left.has(textOf(site)); attempt++, calls++) {
      const random = seededRandom(attempt * 7919 + 1);
      const args = params.map((type) => argument(type, random));
      const call = { function: site[0], args, choices: choicesOf(given, routes, route, COUNTS[attempt]!) };
      const restored = program.call(call, target, (place) => left.has(original.get(place)!));
      for (const place of restored) left.delete(original.get(place)!);
    }
  }
  const unreached = sites
    .filter((site) => left.has(textOf(site)))
    .map((site) => ({
      ...{ function: functionName(given.original, site[0]), position: site[1], dead: routes.to(site) === undefined },
    }));
  return { sites: sites.length, unreached, calls };
}

/** Function index and position. */
type Place = readonly [functionIndex: number, position: number];

function placeOf(text: string): Place {
  return text.split(" ").map(Number) as [number, number];
}

function textOf([index, position]: Place): string {
  return `${index} ${position}`;
}

function routesOf({ original, spaces }: Steerable, sites: readonly Place[]): Routes {
  const positions = Map.groupBy(sites, ([index]) => index);
  const hosts = importsOf(original, "func");
  return new Routes(
    original,
    spaces,
    (index) => (positions.get(index) ?? []).map(([, position]) => position),
    (index) => hosts[index]!.name !== "proc_exit",
  );
}

/** Places in the steerable module to those in the original. */
function positionsBack({ moved }: Steerable): ReadonlyMap<string, string> {
  const back = new Map<string, string>();
  for (const [index, positions] of moved)
    for (const [from, to] of positions) back.set(textOf([index, to]), textOf([index, from]));
  return back;
}

/** Toward the target the first `count` times, then out of every function. */
function choicesOf({ choices }: Steerable, routes: Routes, route: Route, count: number): Map<number, Choice> {
  const made = new Map<number, Choice>();
  for (const [index, numbers] of choices) {
    const [leg, out] = [route.get(index), routes.out(index)];
    for (const [at, number] of numbers) {
      const other = out.get(at) ?? OWN;
      const skipped = leg?.leaving.has(at) ? leg.calls : 0;
      made.set(number, { skipped, count, first: leg?.way.get(at) ?? other, other });
    }
  }
  return made;
}

/** Small numbers, most of them addresses of words. */
function argument(type: ValueType, random: Random): unknown {
  const value = random.below(4) === 0 ? random.below(8) : 1024 + random.below(4096) * 8;
  if (type === I64) return BigInt(value);
  return type === F32 || type === F64 ? value / 2 : value;
}
