// Components in the midst of what others rarely do, under torture.
import { ADVERSARIAL } from "./adversarial.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(ADVERSARIAL, { rows: "S88, S97", points: 6, seed: 11, strategies: ["direct"] });
