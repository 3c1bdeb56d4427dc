/** The line of guest code that is being assembled: the innermost caller outside this directory, as `file:line`. */
export function sourceLine(): string {
  const lines = new Error().stack?.split('\n').slice(1) ?? [];
  const caller = lines.find((line) => !/[\\/]asm[\\/][^\\/]+\.[jt]s/.test(line) || /[\\/]test[\\/]/.test(line));
  const match = caller?.match(/([^\\/(]+[\\/][^\\/(]+:\d+):\d+\)?$/);
  return match?.[1] ?? 'unknown line';
}
