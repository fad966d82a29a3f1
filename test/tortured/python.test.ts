// CPython in a tree, under torture. It passes a million safe points: few of them are taken.
import { PYTHON } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach({ CPython: PYTHON }, { rows: "S88, S97", points: 2, seed: 8, strategies: ["direct"] });
