/** What blocks leave behind when they end in one of their rarer ways, against the reference engine. */
import { describe, expect, it } from 'vitest';
import { PTE_P, PTE_RW, PTE_US } from '../../../../src/arch/paging.ts';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem, mem8, mem64 } from '../../../../src/asm/operand.ts';
import { cl, eax, ebx, ecx, edi, edx, esi, r8d, r9, rax } from '../../../../src/asm/register.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';
import { DATA, DATA_FRAMES, LARGE_ALIAS, PROGRAMS } from '../../../engines/rigLayout.ts';
import { PT_LOW } from '../../../engines/rigTables.ts';

const OWN_ENTRY = LARGE_ALIAS + PT_LOW + (PROGRAMS >> 12) * 8;
const ENTRY = PTE_P | PTE_RW | PTE_US;

/** The program's page has two frames, which differ in one number; it changes from one to the other under its own feet, by INVLPG. */
function changesFrames(a: Assembler, number: number): void {
  a.cld();
  a.mov(esi, PROGRAMS);
  a.mov(edi, DATA);
  a.mov(ecx, 4096);
  a.rep.movsb();
  a.mov(mem8(DATA + number), 7);
  a.mov(rax, BigInt(DATA_FRAMES | ENTRY));
  a.mov(r9, BigInt(PROGRAMS ^ DATA_FRAMES));
  a.mov(ebx, 6);
  a.label('again');
  a.mov(mem64(OWN_ENTRY), rax);
  a.xor(rax, r9);
  a.invlpg(mem(PROGRAMS));
  a.label('number');
  a.mov(edx, 1);
  a.add(r8d, edx);
  a.dec(ebx);
  a.jnz('again');
  a.hlt();
}

/** A number in the middle of the block that counts it up. */
function changesItself(a: Assembler, number: number): void {
  a.mov(ebx, 5);
  a.label('again');
  a.inc(mem8(PROGRAMS + number));
  a.mov(edx, 1);
  a.add(r8d, edx);
  a.dec(ebx);
  a.jnz('again');
  a.hlt();
}

/** Where the number is in such a program: behind the opcode of MOV EDX, 1. */
function placeOfNumber(write: (a: Assembler, number: number) => void): number {
  const { code } = codeCase((a) => write(a, 0)).programs[0]!.pieces[0]!;
  return code.indexOf('ba01000000') / 2 + 1;
}

const bytesOf = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);

describe('BlockEmitter', () => {
  it('fetches again after an INVLPG of the page that it runs in', () => {
    const place = placeOfNumber(changesFrames);
    expect(place).toBeGreaterThan(0);
    const { differs, reference } = compare(codeCase((a) => changesFrames(a, place)));
    expect(differs).toBeUndefined();
    // Three rounds on each frame.
    expect(reference.machine.cores[0]!.state.u64[8]).toBe(24n);
  });

  it('fetches again after a store into the block that it runs', () => {
    const place = placeOfNumber(changesItself);
    const { differs, reference } = compare(codeCase((a) => changesItself(a, place)));
    expect(differs).toBeUndefined();
    expect(reference.machine.cores[0]!.state.u64[8]).toBe(20n);
  });

  it.each([0, 1, 9, 40])('counts the translations of a repeated string instruction of %i elements', (count) => {
    const write = (a: Assembler): void => {
      a.cld();
      a.mov(ebx, 5);
      a.label('again');
      a.mov(esi, DATA);
      a.mov(edi, DATA + 64);
      a.mov(ecx, count);
      a.rep.movsb();
      a.mov(ecx, count);
      a.bytes([0xf3, 0xa6]); // repe cmpsb
      a.setc(cl);
      a.add(r8d, ecx);
      a.dec(ebx);
      a.jnz('again');
      a.hlt();
    };
    const { differs, reference } = compare(codeCase(write));
    expect(differs).toBeUndefined();
    expect(reference.machine.cores[0]!.state.u64[3]).toBe(0n);
  });

  it('leaves the flags of a shift by a variable count to the instructions that change them all, and not to those that may fault first', () => {
    const write = (a: Assembler): void => {
      a.mov(ebx, 40);
      a.label('again');
      a.mov(ecx, ebx);
      a.mov(eax, 0x8000_0001 | 0);
      a.stc();
      a.shr(eax, cl);
      a.adc(r8d, eax);
      a.stc();
      a.shr(eax, cl);
      // A page that is not there: the handler's frame has the flags as the shift has left them.
      a.bytes([0x8b, 0x14, 0x25, ...bytesOf(DATA + 5 * 4096)]);
      a.and(eax, 0x1ff);
      a.dec(ebx);
      a.jnz('again');
      a.hlt();
    };
    const traced = codeCase(write);
    const { differs, reference } = compare(traced);
    expect(differs).toBeUndefined();
    expect(reference.machine.cores[0]!.state.counters[0]).toBeGreaterThan(20);
  });
});
