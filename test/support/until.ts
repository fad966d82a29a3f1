// Waiting for what other threads, processes or the event loop bring about.

/**
 * Turns of the event loop until it holds. There is no limit on purpose: on a loaded machine anything takes any time, and
 * what never comes shows as a test that does not end.
 */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
