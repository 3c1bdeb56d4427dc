/** The shortcut over the first-level DTLB stands for the entry that a lookup would find. */
import { expect, it } from 'vitest';
import { CR4_PCIDE, CR4_PGE } from '../../../../src/arch/controlRegisters.ts';
import { PTE_G, PTE_P, PTE_RW, PTE_US } from '../../../../src/arch/paging.ts';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem32, mem64 } from '../../../../src/asm/operand.ts';
import { cr3, eax, ecx, rax, rbx, rdx } from '../../../../src/asm/register.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';
import { DATA, DATA_FRAMES, LARGE_ALIAS, TABLES } from '../../../engines/rigLayout.ts';
import { RIG_CR3 } from '../../../engines/rigTables.ts';

const KEEP = 1n << 63n;
const PAGE_TABLE = DATA_FRAMES + 6 * 4096;
const FIRST_FRAME = DATA_FRAMES + 4096;
const OTHER_FRAME = DATA_FRAMES + 2 * 4096;
const PDE = TABLES + 0x2000 + (LARGE_ALIAS >> 21) * 8;
const low = (physical: number): number => DATA + physical - DATA_FRAMES;

/** Read through a large page; a store under another PCID brings in a global small page at the same place; read again. */
function globalBesideLarge(a: Assembler): void {
  const to = (number: bigint): void => {
    a.mov(rbx, BigInt(RIG_CR3) | KEEP | number);
    a.mov(cr3, rbx);
  };
  a.mov(eax, 1);
  a.mov(mem32(low(FIRST_FRAME)), eax);
  a.mov(eax, 2);
  a.mov(mem32(low(OTHER_FRAME)), eax);
  a.mov(rax, BigInt(OTHER_FRAME | PTE_P | PTE_RW | PTE_US | PTE_G));
  a.mov(mem64(low(PAGE_TABLE) + (FIRST_FRAME >> 12) * 8), rax);
  a.mov(rdx, BigInt(LARGE_ALIAS + FIRST_FRAME));
  for (let i = 0; i < 3; i++) a.mov(eax, mem32(rdx));
  a.mov(mem32(DATA + 8), eax);
  a.mov(rax, BigInt(PAGE_TABLE | PTE_P | PTE_RW | PTE_US));
  a.mov(mem64(0x4000_0000 + PDE), rax);
  to(1n);
  a.mov(ecx, 5);
  a.mov(mem32(rdx, 16), ecx);
  to(0n);
  a.mov(eax, mem32(rdx));
  a.mov(mem32(DATA + 12), eax);
  a.hlt();
}

it('a small page that comes into the DTLB beside a large one ends what was known of the large one there', () => {
  const { differs, reference } = compare(codeCase(globalBesideLarge, { cr4: CR4_PCIDE | CR4_PGE }));
  expect(differs).toBeUndefined();
  const { view } = reference.machine.memory;
  expect([view.getUint32(DATA_FRAMES + 8, true), view.getUint32(DATA_FRAMES + 12, true)]).toEqual([1, 2]);
});
