/**
 * Pages that tell whose they are. Each core owns slots (virtual pages), and every frame mapped there carries a stamp: its owner, its slot, a
 * generation. A read through any slot finds the page absent, or a stamp of that very slot; anything else came through a translation
 * that should be gone.
 *
 * `map_stamped`, `slot_read`, `read_around`, `stale` as commented below; `on_page_fault` makes reads of absent slots harmless.
 */
import { MARK_STALE } from '../../arch/marks.ts';
import { PTE_P, PTE_RW } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { cr2, eax, ebp, edi, r8, r8d, r12, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { MAPPED_REGION } from './layout.ts';
import { cpu, PerCpu } from './percpu.ts';
import { print, printDecimal, printHex } from './serial.ts';
import { TrapFrame } from './trap.ts';

/** Counters kept here, and the first that is free: byte offsets into `PerCpu.figures`. */
export const READS = 0;
export const ABSENT = 8;
export const FREE_COUNTERS = 16;

/** Each core's slots start on a 2 MB boundary: cores share page-table levels, not page tables. */
const REGION_ALIGNMENT = 0x20_0000;
/** Top byte of every stamp: generation 31:0, slot 47:32, owner 55:48. */
const STAMP = 0x5a;
const ABSENT_VALUE = -1;
/** Debug-exit value for a stale translation; 1 is any other failure. */
const STALE_STATUS = 2;

/** RDI, a core number, has become the first address of that core's slots. Changes RAX. */
export function regionOf(a: Assembler, slots: number): void {
  a.imul(rdi, rdi, Math.ceil((slots * 4096) / REGION_ALIGNMENT) * REGION_ALIGNMENT);
  a.mov(rax, MAPPED_REGION);
  a.add(rdi, rax);
}

/** @param slots of each core. @param reads of random slots by each `read_around`. */
export function stampedSlots(a: Assembler, slots: number, reads: number): void {
  a.comment(
    'RDI = la of a slot of this core, RSI = its number, RDX = generation, RCX = frame: stamps the frame, then maps it. RAX = stamp',
  );
  a.proc('map_stamped', { saves: [rbx] }, () => {
    a.mov(rax, rsi);
    a.call('stamp_of');
    a.mov(mem64(rcx), rax);
    a.mov(rbx, rax);
    a.lea(rsi, mem(rcx, PTE_P | PTE_RW));
    a.call('page_map');
    a.mov(rax, rbx);
  });

  a.comment('RAX = slot, RDX = generation: RAX = stamp of this core. Changes R8 only');
  a.proc('stamp_of', {}, () => {
    a.shl(rax, 32);
    a.or(rax, rdx);
    a.mov(r8d, cpu(PerCpu.number));
    a.or(r8d, STAMP << 8);
    a.shl(r8, 48);
    a.or(rax, r8);
  });

  a.comment('reads random slots of random cores');
  a.proc('read_around', { saves: [rbx, rbp, r12] }, () => {
    if (reads === 0) return;
    a.xor(rbx, rbx);
    a.repeat_while('b', () => {
      a.mov(rdi, mem64('boot_cores'));
      a.call('random_below');
      a.mov(rbp, rax);
      a.mov(edi, slots);
      a.call('random_below');
      a.mov(r12, rax);
      a.mov(rdi, rbp);
      regionOf(a, slots);
      a.mov(rax, r12);
      a.shl(rax, 12);
      a.add(rdi, rax);
      a.call('slot_read');
      a.inc(cpu(PerCpu.figures, READS));
      a.cmp(rax, ABSENT_VALUE);
      a.if_('ne', () => {
        a.comment('owner and slot of the stamp must be those of the address; the generation may be any');
        a.mov(rcx, rax);
        a.shr(rcx, 32);
        a.shl(ebp, 16);
        a.or(rbp, r12);
        a.or(rbp, STAMP << 24);
        a.cmp(rcx, rbp);
        a.jne('stale');
      });
      a.inc(rbx);
      a.cmp(rbx, reads);
    });
  });

  a.comment('RDI = la: RAX = what is there, or ABSENT_VALUE. Changes nothing else');
  a.label('slot_read');
  a.mov(rax, mem64(rdi));
  a.ret();
  a.label('slot_absent');
  a.mov(rax, ABSENT_VALUE);
  a.ret();

  a.comment('the one page fault that is expected: slot_read finds nothing');
  a.proc('on_page_fault', {}, () => {
    a.cmp(at(rdi, TrapFrame.rip), addr('slot_read'));
    a.jne('unexpected_trap');
    a.cmp(at(rdi, TrapFrame.error), 0);
    a.jne('unexpected_trap');
    a.mov(rax, cr2);
    a.cmp(rax, at(rdi, TrapFrame.rdi));
    a.jne('unexpected_trap');
    a.mov(at(rdi, TrapFrame.rip), addr('slot_absent'));
    a.inc(cpu(PerCpu.figures, ABSENT));
  });

  a.comment('RDI = la, RAX = what was read there: the proof that a translation outlived its shootdown');
  a.label('stale');
  a.mov(rsi, rax);
  a.mark(MARK_STALE);
  a.mov(rbx, rdi);
  a.mov(rbp, rsi);
  a.call('begin_failure');
  print(a, 'stale translation: core ');
  a.mov(eax, cpu(PerCpu.number));
  printDecimal(a, rax);
  print(a, ' read 0x');
  printHex(a, rbp);
  print(a, ' at 0x');
  printHex(a, rbx);
  print(a, '\n');
  a.mov(edi, STALE_STATUS);
  a.jmp('fail');
}
