// Numbers on the command line of a program whose outcome is a verdict: nothing measured is not "nothing found".

/** A number above 0. Ends the process with 2 when the text is none. */
export function positive(text: string, option: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`error: ${option} is "${text}", expected a number above 0`);
  process.exit(2);
}

/** As `positive`, without a fraction. */
export function positiveWhole(text: string, option: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`error: ${option} is "${text}", expected a whole number above 0`);
  process.exit(2);
}
