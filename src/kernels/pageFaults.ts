/**
 * page-faults: every way a page can refuse an access, and the processor's word for it.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). Each test says beforehand which fault must come (error code and CR2) and what its
 * handler then does: map the page, allow writing, go on elsewhere, or leave user mode. A fault that is not announced, announced with another
 * error code, or does not come, ends the run with a failure. Also checked: accessed and dirty bits, and that a 2 MB page is one page.
 * Reports the faults taken of each kind; powers off.
 */
import { PAGE_2M, PTE_A, PTE_D, PTE_P, PTE_RW, PTE_US, PTE_XD } from '../arch/paging.ts';
import { PF_I, PF_P, PF_RSVD, PF_U, PF_W, VECTOR_PF } from '../arch/vectors.ts';
import type { Assembler } from '../asm/assembler.ts';
import { mem, mem8, mem64 } from '../asm/operand.ts';
import { eax, ecx, edx, r12, r13, rax, rbp, rbx, rcx, rdi, rsi, rsp } from '../asm/register.ts';
import { addr, distance } from '../asm/symbolValue.ts';
import type { GuestChoices, GuestDefinition } from './guest.ts';
import { failWith } from './lib/exit.ts';
import { expectedFault, expectFault, type FaultAction, type LinearPlace } from './lib/expectedFault.ts';
import { reportFigure } from './lib/figure.ts';
import { setHandler } from './lib/interrupts.ts';
import { buildKernel } from './lib/kernel.ts';
import { MAPPED_REGION } from './lib/layout.ts';

const FIGURES = ['demand faults', 'protection faults', 'no-execute faults', 'user faults', '2 MB faults', 'reserved-bit faults'] as const;

const USER_PAGE = MAPPED_REGION + 0x1000_0000;
const LARGE_REGION = MAPPED_REGION + 0x4000_0000;
/** Bit 13 is reserved in an entry that maps 2 MB. */
const RESERVED_BIT = 13;
const CPUID_80000001_EDX_NX = 20;
const RET = 0xc3;

export const pageFaults: GuestDefinition = {
  name: 'page-faults',
  doc: 'takes every kind of page fault and checks error code and CR2',
  parameters: [{ name: 'pages', default: 64, min: 1, max: 4096, doc: 'pages mapped on demand' }],
  minCores: 1,
  figures: FIGURES,
  build: (choices) => buildKernel(choices.lock, (a) => scenario(a, choices)),
};

function scenario(a: Assembler, { parameters }: GuestChoices): void {
  const pages = parameters['pages']!;
  a.include(expectedFault);
  a.comment('1 when the processor has no-execute pages; then fetches set PF_I');
  a.variable('has_nx');
  a.room('fault_counts', FIGURES.length * 8);
  userProgram(a);

  const tests = [
    ['demand', () => demand(a, pages)],
    ['write_protection', () => writeProtection(a)],
    ['no_execute', () => noExecute(a)],
    ['user', () => userFaults(a)],
    ['large', () => largePages(a)],
    ['reserved', () => reservedBits(a)],
  ] as const;

  a.proc('main', { saves: [rbx] }, () => {
    setHandler(a, VECTOR_PF, 'on_page_fault');
    a.mov(eax, 0x8000_0001);
    a.cpuid();
    a.bt(edx, CPUID_80000001_EDX_NX);
    a.setc(mem8('has_nx'));
    for (const [name] of tests) a.call(`test_${name}`);
    for (const [index, figure] of FIGURES.entries()) reportFigure(a, FIGURES, figure, mem64('fault_counts', index * 8));
  });
  for (const [name, write] of tests) a.proc(`test_${name}`, { saves: [rbx, rbp, r12, r13] }, write);

  a.label('wrong_contents');
  failWith(a, 'page-faults: a page holds what was not written to it\n');
  a.label('wrong_entry');
  failWith(a, 'page-faults: accessed, dirty or rights bits of an entry are wrong\n');
}

/** Exactly this fault is taken, and counted under its figure. */
function faults(
  a: Assembler,
  figure: (typeof FIGURES)[number],
  error: number,
  la: LinearPlace,
  action: FaultAction,
  body: () => void,
): void {
  expectFault(a, error, la, action, body);
  a.inc(mem64('fault_counts', FIGURES.indexOf(figure) * 8));
}

/** Pages appear when they are touched; what is written to one is not seen in another. */
function demand(a: Assembler, pages: number): void {
  a.mov(rbx, MAPPED_REGION);
  a.xor(rbp, rbp);
  a.repeat_while('b', () => {
    faults(a, 'demand faults', PF_W, rbx, 'map_page', () => a.mov(mem64(rbx), rbp));
    checkEntry(a, rbx, PTE_P | PTE_RW | PTE_A | PTE_D);
    a.add(rbx, 4096);
    a.inc(rbp);
    a.cmp(rbp, pages);
  });
  a.mov(rbx, MAPPED_REGION);
  a.xor(rbp, rbp);
  a.repeat_while('b', () => {
    a.cmp(mem64(rbx), rbp);
    a.jne('wrong_contents');
    a.add(rbx, 4096);
    a.inc(rbp);
    a.cmp(rbp, pages);
  });
  a.comment('a read makes the page accessed, not dirty; its error code has no bit at all');
  faults(a, 'demand faults', 0, rbx, 'map_page', () => a.mov(rcx, mem64(rbx, 0)));
  checkEntry(a, rbx, PTE_P | PTE_RW | PTE_A);
  a.comment('an access across the end of that page faults at the first byte of the next');
  a.lea(r12, mem(rbx, 4096));
  faults(a, 'demand faults', PF_W, r12, 'map_page', () => a.mov(mem64(rbx, 4092), rbp));
  a.cmp(mem64(rbx, 4092), rbp);
  a.jne('wrong_contents');
}

/** CR0.WP is on: the kernel, too, may not write to a read-only page. */
function writeProtection(a: Assembler): void {
  a.mov(rbx, MAPPED_REGION);
  a.mov(r12, mem64(rbx));
  a.mov(rdi, rbx);
  a.call('page_slot');
  a.lock.and(mem64(rax), ~PTE_RW);
  a.invlpg(mem(rbx));
  a.cmp(mem64(rbx), r12);
  a.jne('wrong_contents');
  faults(a, 'protection faults', PF_P | PF_W, rbx, 'allow_writing', () => a.mov(mem64(rbx), 7));
  a.cmp(mem64(rbx), 7);
  a.jne('wrong_contents');
}

/** A page whose entry has XD set is read, written, not executed. */
function noExecute(a: Assembler): void {
  a.cmp(mem64('has_nx'), 0);
  a.return_if('e');
  a.mov(rbx, MAPPED_REGION);
  a.mov(mem8(rbx), RET);
  a.mov(rdi, rbx);
  a.call('page_slot');
  a.mov(rbp, rax);
  a.mov(rcx, PTE_XD);
  a.lock.or(mem64(rbp), rcx);
  a.invlpg(mem(rbx));
  a.mov(r13, rsp);
  faults(a, 'no-execute faults', PF_P | PF_I, rbx, 'go_on', () => a.call(rbx));
  a.comment('the return address that the call left');
  a.mov(rsp, r13);
  a.btr(mem64(rbp), 63);
  a.invlpg(mem(rbx));
  a.call(rbx);
}

/** User mode may touch user pages only, and says so in the error code. */
function userFaults(a: Assembler): void {
  a.mov(rdi, USER_PAGE);
  a.mov(rsi, addr('user_program', PTE_P | PTE_US));
  a.call('page_map');

  const visit = (routine: string, target: LinearPlace): void => {
    a.mov(rdi, USER_PAGE);
    a.add(rdi, distance('user_program', routine));
    a.mov(rsi, target);
    a.call('user_run');
  };
  a.mov(rbx, MAPPED_REGION);
  faults(a, 'user faults', PF_P | PF_U, rbx, 'leave_user_mode', () => visit('user_read', rbx));
  faults(a, 'user faults', PF_P | PF_U | PF_W, rbx, 'leave_user_mode', () => visit('user_write', rbx));
  a.comment('nothing is there at all: the page below the region');
  a.mov(r12, MAPPED_REGION - 4096);
  faults(a, 'user faults', PF_U, r12, 'leave_user_mode', () => visit('user_read', r12));
  faults(a, 'user faults', PF_U | PF_W, r12, 'leave_user_mode', () => visit('user_write', r12));
  a.cmp(mem64('has_nx'), 0);
  a.return_if('e');
  faults(a, 'user faults', PF_P | PF_U | PF_I, rbx, 'leave_user_mode', () => visit('user_jump', rbx));
}

/** A 2 MB page appears whole, is dropped whole, and has one set of rights. */
function largePages(a: Assembler): void {
  a.mov(rbx, LARGE_REGION + 0x12_3458);
  faults(a, '2 MB faults', PF_W, rbx, 'map_large', () => a.mov(mem64(rbx), 7));
  a.mov(rdi, rbx);
  a.call('page_slot');
  a.mov(rbp, rax);
  a.mov(r12, mem64(rbp));
  a.and(r12, -PAGE_2M);
  a.comment('R12 = the frame: what is written through the page is seen there, and no further fault comes');
  a.mov(rbx, LARGE_REGION);
  a.xor(ecx, ecx);
  a.repeat_while('b', () => {
    a.mov(mem64(rbx), rcx);
    a.cmp(mem64(r12), rcx);
    a.jne('wrong_contents');
    a.add(rbx, 4096);
    a.add(r12, 4096);
    a.inc(rcx);
    a.cmp(rcx, PAGE_2M / 4096);
  });

  a.comment('INVLPG of any address in it drops the whole page');
  a.mov(rbx, LARGE_REGION + 0x1f_f000);
  a.lock.and(mem64(rbp), ~PTE_RW);
  a.mov(rax, LARGE_REGION + 0x1000);
  a.invlpg(mem(rax));
  a.mov(rcx, mem64(rbx));
  faults(a, '2 MB faults', PF_P | PF_W, rbx, 'allow_writing', () => a.mov(mem64(rbx), 9));
  a.cmp(mem64(rbx), 9);
  a.jne('wrong_contents');
}

/** A reserved bit in an entry is reported before rights are looked at. */
function reservedBits(a: Assembler): void {
  a.mov(rbx, LARGE_REGION);
  a.mov(rdi, rbx);
  a.call('page_slot');
  a.mov(rbp, rax);
  a.bts(mem64(rbp), RESERVED_BIT);
  a.invlpg(mem(rbx));
  faults(a, 'reserved-bit faults', PF_P | PF_RSVD, rbx, 'go_on', () => a.mov(rcx, mem64(rbx)));
  faults(a, 'reserved-bit faults', PF_P | PF_RSVD | PF_W, rbx, 'go_on', () => a.mov(mem64(rbx), rcx));
  a.btr(mem64(rbp), RESERVED_BIT);
  a.mov(rcx, mem64(rbx));
}

/** The entry that maps the address has exactly these flags in its low 12 bits. */
function checkEntry(a: Assembler, address: typeof rbx, flags: number): void {
  a.mov(rdi, address);
  a.call('page_slot');
  a.mov(rax, mem64(rax));
  a.and(eax, 0xfff);
  a.cmp(eax, flags);
  a.jne('wrong_entry');
}

/** One page of routines that do one thing each, with RSP as the address to do it to. */
function userProgram(a: Assembler): void {
  a.section('user', () => {
    a.align(4096);
    a.label('user_program');
    a.label('user_read');
    a.mov(rax, mem64(rsp));
    a.ud2();
    a.label('user_write');
    a.mov(mem64(rsp), rax);
    a.ud2();
    a.label('user_jump');
    a.jmp(rsp);
    a.align(4096);
  });
}
