// Numbers as the report prints them.

/** Microseconds. */
export function us(value: number): string {
  return `${value.toFixed(1)} µs`;
}

/** Microseconds as milliseconds. */
export function ms(us: number): string {
  return (us / 1000).toFixed(3);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
