/** A line of guest code as `file:line`. */
export interface SourceLine {
  toString(): string;
}

/**
 * The line of guest code that is being assembled: the innermost caller outside this directory. It is found out when somebody asks: only
 * messages do, and a stack trace costs more to read than an instruction to encode.
 */
export const sourceLine = (): SourceLine => new CapturedLine();

class CapturedLine implements SourceLine {
  private readonly trace = new Error();

  toString(): string {
    const lines = this.trace.stack?.split('\n').slice(1) ?? [];
    const caller = lines.find((line) => !/[\\/]asm[\\/][^\\/]+\.[jt]s/.test(line) || /[\\/]test[\\/]/.test(line));
    const match = caller?.match(/([^\\/(]+[\\/][^\\/(]+:\d+):\d+\)?$/);
    return match?.[1] ?? 'unknown line';
  }
}
