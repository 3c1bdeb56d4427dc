import { expect, test } from 'vitest';
import { BlockCache } from '../../../src/cpu/decode/blockCache.ts';
import { CODE_16_STACK_16, CODE_64 } from '../../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../../src/cpu/decode/decoder.ts';
import { PhysicalMemory } from '../../../src/mmu/physicalMemory.ts';
import { FLAT_COSTS } from '../flatCore.ts';

function fresh(): { memory: PhysicalMemory; cache: BlockCache } {
  const memory = new PhysicalMemory(new ArrayBuffer(0x10000), 0, 0x10000);
  return { memory, cache: new BlockCache(memory, new Decoder({}, FLAT_COSTS)) };
}

const forms = (cache: BlockCache, hpa: number): string[] | undefined => cache.find(hpa, CODE_64)?.instructions.map((insn) => insn.form);

test('a block ends at a branch, at a system operation and at the page end', () => {
  const { memory, cache } = fresh();
  memory.write(0x1000, Uint8Array.of(0x90, 0x50, 0x75, 0x00, 0x90));
  expect(forms(cache, 0x1000)).toEqual(['Nopd', 'Push_r64', 'Jne_rel8_64']);
  memory.write(0x2000, Uint8Array.of(0x90, 0xf4, 0x90));
  expect(forms(cache, 0x2000)).toEqual(['Nopd', 'Hlt']);
  memory.write(0x3ffe, Uint8Array.of(0x90, 0x90, 0x90));
  expect(forms(cache, 0x3ffe)).toEqual(['Nopd', 'Nopd']);
});

test('a block has at most 64 instructions, and the next one goes on behind it', () => {
  const { memory, cache } = fresh();
  memory.write(0x1000, new Uint8Array(100).fill(0x90));
  memory.write(0x1064, Uint8Array.of(0xf4));
  expect([0x1000, 0x1040].map((hpa) => cache.find(hpa, CODE_64)!.length)).toEqual([64, 37]);
});

test('a block keeps its decoded instructions until its page is written', () => {
  const { memory, cache } = fresh();
  memory.write(0x1000, Uint8Array.of(0x90, 0xf4));
  const first = cache.find(0x1000, CODE_64);
  expect(cache.find(0x1000, CODE_64)).toBe(first);
  expect(memory.codePages[1]).toBe(1);
  memory.write(0x1000, Uint8Array.of(0x50));
  expect(memory.codePages[1]).toBe(0);
  expect(forms(cache, 0x1000)).toEqual(['Push_r64', 'Hlt']);
});

test('one address has a block per code mode', () => {
  const { memory, cache } = fresh();
  memory.write(0x1000, Uint8Array.of(0x48, 0x50, 0xf4));
  expect(forms(cache, 0x1000)).toEqual(['Push_r64', 'Hlt']);
  expect(cache.find(0x1000, CODE_16_STACK_16)!.instructions.map((insn) => insn.form)).toEqual(['Dec_r16', 'Push_r16', 'Hlt']);
  expect(forms(cache, 0x1000)).toEqual(['Push_r64', 'Hlt']);
});

test('an instruction over a page end is a block of its own, valid while neither page changes', () => {
  const { memory, cache } = fresh();
  // mov rax, [rbx + 0x12345678] in the last two bytes of page 1 and the first five of page 5.
  memory.write(0x1ffd, Uint8Array.of(0x90, 0x48, 0x8b));
  memory.write(0x5000, Uint8Array.of(0x83, 0x78, 0x56, 0x34, 0x12));
  expect(forms(cache, 0x1ffd)).toEqual(['Nopd']);
  expect(cache.find(0x1ffe, CODE_64)).toBeUndefined();
  const block = cache.findCrossing(0x1ffe, 0x5000, CODE_64);
  expect(block).toMatchObject({
    page: 1,
    secondPage: 5,
    length: 7,
    instructions: [{ form: 'Mov_r64_rm64', memory: { displacement: 0x1234_5678n } }],
  });
  expect(cache.findCrossing(0x1ffe, 0x5000, CODE_64)).toBe(block);
  // Behind another second page lies another instruction.
  memory.write(0x6000, Uint8Array.of(0xc3));
  expect(cache.findCrossing(0x1ffe, 0x6000, CODE_64).instructions[0]).toMatchObject({ form: 'Mov_r64_rm64', memory: undefined });
  const again = cache.findCrossing(0x1ffe, 0x5000, CODE_64);
  memory.write(0x5001, Uint8Array.of(0x79));
  expect(cache.findCrossing(0x1ffe, 0x5000, CODE_64)).not.toBe(again);
  expect(cache.findCrossing(0x1ffe, 0x5000, CODE_64).instructions[0]!.memory!.displacement).toBe(0x1234_5679n);
});
