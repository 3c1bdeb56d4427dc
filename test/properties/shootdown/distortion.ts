/** Faults put into the guest's side of a scheme on purpose. */
import type { Assembler } from '../../../src/asm/assembler.ts';
import { mem } from '../../../src/asm/operand.ts';
import { rax, rdi } from '../../../src/asm/register.ts';

type Method = (...given: unknown[]) => unknown;

/** An assembler one of whose methods is another one. */
function replacing(a: Assembler, name: string, replacement: (original: Method) => Method): Assembler {
  return new Proxy(a, {
    get(target, property) {
      const value = Reflect.get(target, property) as unknown;
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as Method;
      return property === name ? replacement(method) : method;
    },
  });
}

/** What `if_` has under this condition is done under any. */
export const unconditionally =
  (condition: string) =>
  (a: Assembler): Assembler =>
    replacing(a, 'if_', (original) => (given, body, ...others) => {
      if (given === condition) (body as () => void)();
      else original(given, body, ...others);
    });

/** `shootdown_remote` forgets the first of its targets. */
export const forgetting = (a: Assembler): Assembler =>
  replacing(
    a,
    'proc',
    (original) => (name, how, body) =>
      original(name, how, () => {
        if (name === 'shootdown_remote') {
          a.lea(rax, mem(rdi, -1));
          a.and(rdi, rax);
          a.return_if('z');
        }
        (body as () => void)();
      }),
  );
