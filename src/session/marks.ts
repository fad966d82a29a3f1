// Marks of what a program writes (S108; `LoadOptions.marks`).

/**
 * Bytes of the marks of a program: one for each KiB of the addresses that it has. The system gives storage where some are set. They
 * are no part of the program's PD: whoever asks for them charges whom it wants.
 */
export const MARKS_BYTES = 4 << 20;
