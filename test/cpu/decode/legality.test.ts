/** What the decoder must refuse, and how: LOCK where it may not stand, instructions that are too long, fetches that fail in the middle. */
import { describe, expect, test } from 'vitest';
import { PTE_P } from '../../../src/arch/paging.ts';
import { BOOT_PML4 } from '../../../src/arch/platform.ts';
import { VECTOR_GP, VECTOR_PF, VECTOR_UD } from '../../../src/arch/vectors.ts';
import { ENGINES } from '../../../src/cpu/engines/registry.ts';
import { U64_CR2, U64_RIP } from '../../../src/cpu/state.ts';
import { DATA, Rig } from '../rig.ts';

const HLT = 0xf4;
/** Where the second page of 2 MB begins. */
const END = 0x20_0000;
/** ModRM and what follows: [DATA]. */
const data = (reg: number): number[] => [0x04 | (reg << 3), 0x25, DATA & 0xff, (DATA >> 8) & 0xff, DATA >> 16, 0];

/** Vector and error code, or undefined when the code came to its HLT. */
function outcomeOf(
  bytes: readonly number[],
  engine: (typeof ENGINES)[number] = 'reference',
): { vector: number; error: number } | undefined {
  const rig = new Rig(
    (a) => {
      a.bytes([...bytes, HLT]);
      a.label('end');
    },
    { engine },
  );
  rig.core.state.u64[0] = 0n;
  rig.run();
  return rig.core.rip === rig.at('end') ? undefined : rig.fault();
}

describe.each(ENGINES)('LOCK (%s engine)', (engine) => {
  test.each([
    ['ADD to memory', [0x01, ...data(0)]],
    ['INC of memory', [0xff, ...data(0)]],
    ['BTS of memory', [0x0f, 0xab, ...data(0)]],
    ['XADD', [0x0f, 0xc1, ...data(0)]],
    ['CMPXCHG8B', [0x0f, 0xc7, ...data(1)]],
    ['XCHG with memory', [0x87, ...data(0)]],
    ['NOT of memory', [0xf7, ...data(2)]],
  ] as const)('may stand before %s', (_name, bytes) => {
    expect(outcomeOf([0xf0, ...bytes], engine)).toBeUndefined();
  });

  test.each([
    ['ADD to a register', [0x01, 0xc0]],
    ['ADD from memory', [0x03, ...data(0)]],
    ['CMP with memory', [0x39, ...data(0)]],
    ['TEST of memory', [0x85, ...data(0)]],
    ['MOV to memory', [0x89, ...data(0)]],
    ['BT of memory', [0x0f, 0xa3, ...data(0)]],
    ['XCHG of registers', [0x87, 0xc8]],
    ['SHL of memory', [0xd1, ...data(4)]],
    ['PUSH', [0x50]],
    ['NOP', [0x90]],
    ['MOVSB', [0xa4]],
    ['MFENCE', [0x0f, 0xae, 0xf0]],
    ['MOVAPS to memory', [0x0f, 0x29, ...data(0)]],
    ['FADD', [0xd8, 0xc1]],
  ] as const)('is #UD before %s', (_name, bytes) => {
    expect(outcomeOf([0xf0, ...bytes], engine)?.vector).toBe(VECTOR_UD);
  });
});

describe('an instruction of more than 15 bytes', () => {
  const prefixed = (count: number, bytes: readonly number[]): number[] => [...Array<number>(count).fill(0x66), ...bytes];

  test('is #GP(0); one of 15 is not', () => {
    expect(outcomeOf(prefixed(14, [0x90]))).toBeUndefined();
    expect(outcomeOf(prefixed(15, [0x90]))).toEqual({ vector: VECTOR_GP, error: 0 });
    // ADD with an immediate: opcode, ModRM and the immediate are 4 bytes under an operand-size prefix.
    expect(outcomeOf(prefixed(10, [0x81, 0xc0, 1, 0]))).toBeUndefined();
    expect(outcomeOf(prefixed(12, [0x81, 0xc0, 1, 0]))).toEqual({ vector: VECTOR_GP, error: 0 });
  });

  test('is #GP(0) when it is invalid besides; an invalid one of 15 is #UD', () => {
    // LOCK ADD of registers, with 14 and 15 bytes, and 16; of an immediate.
    const locked = [0xf0, 0x01, 0xc0];
    expect([11, 12, 13].map((count) => outcomeOf(prefixed(count, locked))?.vector)).toEqual([VECTOR_UD, VECTOR_UD, VECTOR_GP]);
    const immediate = [0xf0, 0x81, 0xc0, 1, 0];
    expect([10, 11].map((count) => outcomeOf(prefixed(count, immediate))?.vector)).toEqual([VECTOR_UD, VECTOR_GP]);
    // LEA of a register, which its ModRM byte makes invalid.
    expect([13, 14].map((count) => outcomeOf(prefixed(count, [0x8d, 0xc0]))?.vector)).toEqual([VECTOR_UD, VECTOR_GP]);
  });

  test('is #GP(0) even where its sixteenth byte would lie in an absent page', () => {
    const rig = atPageEnd(prefixed(15, []));
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });
});

/** Code that ends with the first 2 MB; the page behind is absent. */
function atPageEnd(bytes: readonly number[], before = bytes.length): Rig {
  const rig = new Rig((a) => a.hlt());
  const pointers = Number(rig.load(BOOT_PML4) & ~0xfffn);
  const directory = Number(rig.load(pointers) & ~0xfffn);
  rig.store(directory + 8, rig.load(directory + 8) & ~BigInt(PTE_P));
  rig.machine.memory.write(END - before, Uint8Array.from(bytes));
  rig.core.state.u64[U64_RIP] = BigInt(END - before);
  return rig;
}

test.each([1, 2, 3, 4])(
  'an instruction of which %i bytes are there, and the others in an absent page, is #PF with RIP at its start',
  (before) => {
    const rig = atPageEnd([0xb8, 1, 2, 3, 4], before);
    const { vector, frame } = rig.delivered();
    expect([vector, Number(frame[1]), rig.core.state.u64[U64_CR2]]).toEqual([VECTOR_PF, END - before, BigInt(END)]);
  },
);

test('a shorter one that ends with the page runs, and the next is #PF', () => {
  const rig = atPageEnd([0xb8, 1, 2, 3, 4]);
  const { vector, frame } = rig.delivered();
  expect([vector, Number(frame[1]), rig.core.state.u64[0]]).toEqual([VECTOR_PF, END, 0x0403_0201n]);
});
