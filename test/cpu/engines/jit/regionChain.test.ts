/** A chain of regions stands for fetches that hit the first-level ITLB. */
import { describe, expect, it } from 'vitest';
import { CR4_PCIDE, CR4_PGE } from '../../../../src/arch/controlRegisters.ts';
import { PTE_G, PTE_P, PTE_RW, PTE_US } from '../../../../src/arch/paging.ts';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem32, mem64 } from '../../../../src/asm/operand.ts';
import { cr3, eax, ecx, rax, rbx, rdx } from '../../../../src/asm/register.ts';
import { ivybridge } from '../../../../src/machine/profiles/ivybridge.ts';
import { COUNTER_ITLB_MISSES } from '../../../../src/trace/counters.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';
import { DATA, DATA_FRAMES, LARGE_ALIAS, PROGRAMS, TABLES } from '../../../engines/rigLayout.ts';
import { RIG_CR3 } from '../../../engines/rigTables.ts';

const KEEP = 1n << 63n;
/** Nothing is ever evicted from it. */
const geometry = { ...ivybridge.mmu, itlb4k: { sets: 1, ways: 1024 } };

/** One PCID after the other, keeping translations; a procedure on a page of its own is called under every 64th. */
function throughContexts(a: Assembler): void {
  a.mov(ecx, 400);
  a.mov(rbx, BigInt(RIG_CR3) | KEEP);
  a.mov(rdx, BigInt(PROGRAMS + 4096));
  a.label('next');
  a.add(rbx, 1);
  a.mov(cr3, rbx);
  a.test(ecx, 63);
  a.jnz('not_now');
  a.call(rdx);
  a.call(rdx);
  a.label('not_now');
  a.dec(ecx);
  a.jnz('next');
  a.hlt();
  a.align(4096);
  a.ret();
}

const PAGE_TABLE = DATA_FRAMES + 6 * 4096;
const OTHER_FRAME = DATA_FRAMES + 2 * 4096;
const FIRST_FRAME = DATA_FRAMES + 4096;
const PDE = TABLES + 0x2000 + (LARGE_ALIAS >> 21) * 8;
const low = (physical: number): number => DATA + physical - DATA_FRAMES;

/** A large page of one PCID, and a global small page of another one at the same place: who has both uses the small one. */
function globalBesideLarge(a: Assembler): void {
  const to = (number: bigint): void => {
    a.mov(rbx, BigInt(RIG_CR3) | KEEP | number);
    a.mov(cr3, rbx);
  };
  const callTimes = (times: number): void => {
    for (let i = 0; i < times; i++) a.call(rdx);
  };
  // mov eax, 1; ret — mov eax, 2; ret
  a.mov(rax, 0xc300000001b8n);
  a.mov(mem64(low(FIRST_FRAME)), rax);
  a.mov(rax, 0xc300000002b8n);
  a.mov(mem64(low(OTHER_FRAME)), rax);
  a.mov(mem64(low(OTHER_FRAME) + 16), rax);
  a.mov(rax, BigInt(OTHER_FRAME | PTE_P | PTE_RW | PTE_US | PTE_G));
  a.mov(mem64(low(PAGE_TABLE) + (FIRST_FRAME >> 12) * 8), rax);
  a.mov(rdx, BigInt(LARGE_ALIAS + FIRST_FRAME));
  callTimes(3);
  a.mov(rax, BigInt(PAGE_TABLE | PTE_P | PTE_RW | PTE_US));
  a.mov(mem64(0x4000_0000 + PDE), rax);
  to(1n);
  // Elsewhere on that page, so that the chain still knows its beginning.
  a.add(rdx, 16);
  callTimes(1);
  a.sub(rdx, 16);
  to(0n);
  callTimes(3);
  a.mov(mem32(DATA + 8), eax);
  a.hlt();
}

/** Between two windows on one procedure, as often as a chain takes to know its way. */
const betweenWindows =
  (windows: readonly [number, number]) =>
  (a: Assembler): void => {
    a.mov(ecx, 40);
    a.mov(rbx, BigInt(windows[0]));
    a.mov(rdx, BigInt(windows[1] + 64));
    a.jmp(rbx);
    a.align(64);
    for (const next of [rdx, rbx]) {
      a.align(64);
      a.inc(eax);
      a.jmp(next);
    }
  };

describe('RegionChain', () => {
  it.each([
    ['small', { itlb4k: { sets: 1, ways: 1 } }, [PROGRAMS + 64, DATA + 10 * 4096 + 64]],
    ['large', { itlb2m: { sets: 1, ways: 1 } }, [LARGE_ALIAS + PROGRAMS + 64, 0x4000_0000 + PROGRAMS + 64]],
  ] as const)('sees an entry of a %s page go when another one comes into its place', (_, itlb, windows) => {
    const one = codeCase(betweenWindows(windows), { geometry: { ...ivybridge.mmu, ...itlb } });
    const { differs, reference } = compare(one);
    expect(differs).toBeUndefined();
    // Every jump misses.
    const { counters, u64 } = reference.machine.cores[0]!.state;
    expect(counters[COUNTER_ITLB_MISSES]).toBeGreaterThan(Number(u64[0]) - 10);
    expect(u64[0]).toBeGreaterThan(50n);
  });

  it('knows nothing of a context whose number has been given to another one', () => {
    const one = codeCase(throughContexts, { geometry, cr4: CR4_PCIDE, maxCycles: 300_000, pause: 300_000 });
    const { differs, reference } = compare(one);
    expect(differs).toBeUndefined();
    expect(reference.machine.cores[0]!.mmu.tlb.itlb4k.live).toBeGreaterThan(200);
  });

  it('sees a small page come between it and the large page that it was found through', () => {
    const { differs, reference } = compare(codeCase(globalBesideLarge, { geometry, cr4: CR4_PCIDE | CR4_PGE }));
    expect(differs).toBeUndefined();
    expect(reference.machine.memory.view.getUint32(DATA_FRAMES + 8, true)).toBe(2);
  });
});
