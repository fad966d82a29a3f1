// Apart from the other options, so that who runs a program does not read the code of systems.

/** Options that only systems have. */
export const ONLY_SYSTEMS: readonly string[] = ["rom", "cpus", "devices", "log", "profile"];
