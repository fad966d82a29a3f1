// The same restored in place, with a bootstrap.
import { ADVERSARIAL } from "./adversarial.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(ADVERSARIAL, { rows: "S88, S97", points: 6, seed: 12, strategies: ["bootstrap"], inPlace: true });
