// Run names: what checkpoints are published under. They become parts of file names.

/** 1 to 100 characters of A-Z a-z 0-9 . _ - ; not `latest`, no dot or dash in front. */
export function runNameLike(name: unknown): name is string {
  return typeof name === "string" && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(name) && name !== "latest";
}
