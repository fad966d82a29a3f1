// Forced sites of the programs in C.
import { forcesSitesOf } from "./forced-sites.ts";

forcesSitesOf(({ language }) => language === "c");
