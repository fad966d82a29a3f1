// Programs in TypeScript that serve each other, under torture.
import { ALL, EACH_OTHER, EACH_OTHER_WITHIN } from "./each-other.ts";
import { spread } from "./spread.ts";
import { tortureEach } from "./tortured.ts";

const rows = "S57, S93-S97";
const CPUS = 3;
tortureEach(EACH_OTHER, { rows, points: 6, seed: 41 });
tortureEach(EACH_OTHER_WITHIN, { rows, points: 4, seed: 42 });
tortureEach({ "all that serve each other": ALL }, { rows, points: 2, seed: 43, freshProcess: true });
tortureEach({ "all that serve each other": ALL }, { rows, points: 4, seed: 44, inPlace: true });
// Which client comes when is nobody's promise.
const { "interposers that serve each other": interposers } = EACH_OTHER;
const SPREAD = { ...spread(interposers, CPUS), rules: [...interposers.rules!, "--by", "^(\\[[^\\]]*\\])"] };
tortureEach({ "interposers that serve each other, on three CPUs": SPREAD }, { rows, points: 3, seed: 45, cpus: CPUS });
