/** Faults put into a lock on purpose: one of its instructions is left out, or changes places with the one after it. */
import type { Assembler } from '../../../src/asm/assembler.ts';
import { LOCKABLE, MNEMONICS } from '../../../src/asm/instructionSet.ts';

export interface Mutation {
  readonly kind: 'drop' | 'swap';
  /** As the assembler's method is called; `lock add` for one with a LOCK prefix. */
  readonly mnemonic: string;
  /** Which of those with this mnemonic, in the order in which the lock writes them. */
  readonly occurrence: number;
}

const IGNORED = new Set(['pause', 'nop', 'ud2']);

/** An assembler that makes this one mistake in what the lock itself writes, parts that it includes apart. */
export function mutating(a: Assembler, { kind, mnemonic, occurrence }: Mutation): Assembler {
  let seen = 0;
  let held: (() => void) | undefined;
  const place = (name: string, write: () => void): void => {
    if (name === mnemonic && seen++ === occurrence) {
      if (kind === 'swap') held = write;
      return;
    }
    write();
    const late = held;
    held = undefined;
    late?.();
  };
  const intercept = <T extends object>(target: T, names: ReadonlySet<string>, prefix: string, others: Record<string, unknown>): T =>
    new Proxy(target, {
      get(object, property) {
        const value = Reflect.get(object, property) as unknown;
        if (typeof property !== 'string' || typeof value !== 'function')
          return typeof property === 'string' ? (others[property] ?? value) : value;
        const method = value.bind(object) as (...given: unknown[]) => void;
        if (!names.has(property)) return method;
        return (...given: unknown[]) => place(prefix + property, () => method(...given));
      },
    });
  const plain = new Set(['call', ...Object.keys(MNEMONICS)].filter((name) => !IGNORED.has(name)));
  return intercept(a, plain, '', { lock: intercept(a.lock, new Set<string>(LOCKABLE), 'lock ', {}) });
}
