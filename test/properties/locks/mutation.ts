/** Faults put into a lock on purpose: one of its instructions is left out, or changes places with the one after it. */
import type { Assembler } from '../../../src/asm/assembler.ts';
import { LOCKABLE, MNEMONICS } from '../../../src/asm/instructionSet.ts';

export interface Mutation {
  readonly kind: 'drop' | 'swap';
  /** Number of the instruction, in the order in which the lock writes them; branches, PAUSE and marks are not counted. */
  readonly index: number;
}

const IGNORED = new Set(['pause', 'nop', 'ud2']);

/** Every instruction that the lock writes, as its mnemonic; the mutation is applied when there is one. */
export function mutating(a: Assembler, seen: string[], mutation?: Mutation): Assembler {
  let held: (() => void) | undefined;
  const place = (name: string, write: () => void): void => {
    const index = seen.push(name) - 1;
    if (mutation?.kind === 'drop' && mutation.index === index) return;
    if (mutation?.kind === 'swap' && mutation.index === index) {
      held = write;
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
  const plain = new Set(Object.keys(MNEMONICS).filter((name) => !IGNORED.has(name)));
  return intercept(a, plain, '', { lock: intercept(a.lock, new Set<string>(LOCKABLE), 'lock ', {}) });
}
