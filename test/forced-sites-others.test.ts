// Forced sites of the programs in C++, Rust and AssemblyScript. Those written by hand reach all by themselves
// (torture-apps.test.ts).
import { forcesSitesOf } from "./forced-sites.ts";

forcesSitesOf(({ language }) => ["c++", "rust", "assemblyscript"].includes(language));
