/**
 * The rig's code. An exception goes on with the next piece of the program on a fresh stack, whatever the program has done to its own;
 * an interrupt is counted by its trace event and ends. Every gate has a stack of its own, so no handler depends on the program's.
 */
import {
  APIC_EOI,
  APIC_LVT_TIMER,
  APIC_SVR,
  APIC_SVR_ENABLE,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
} from '../../src/arch/apicRegisters.ts';
import { APIC_BASE_ENABLE, APIC_BASE_X2APIC, IA32_APIC_BASE, X2APIC_MSR_FIRST } from '../../src/arch/msr.ts';
import { RFLAGS_NT, RFLAGS_TF } from '../../src/arch/rflags.ts';
import { type Assembled, type Assembler, assembler } from '../../src/asm/assembler.ts';
import { mem, mem16, mem32, mem64 } from '../../src/asm/operand.ts';
import { ax, cr3, cr4, ds, eax, ebx, ecx, edx, es, esi, r8, rax, rbx, rcx, rdx, rsi, rsp, ss } from '../../src/asm/register.ts';
import { addr } from '../../src/asm/symbolValue.ts';
import * as rig from './rigLayout.ts';

/** From the top of a stack page down: SS, RSP, RFLAGS, CS, RIP. */
const FRAME_RIP = 4096 - 40;
const FRAME_RFLAGS = 4096 - 24;
const FRAME_RSP = 4096 - 16;
const DIVIDE_BY_1 = 0xb;
const TEXT_SIZE = rig.TSS - rig.TEXT;

/** Words of a start frame that are not popped: CR4, CR3, timer entry, timer count. */
export const FRAME_CR4 = 0;
export const FRAME_CR3 = 8;
export const FRAME_LVT = 16;
export const FRAME_TICKS = 24;
/** Fifteen registers, then what IRETQ takes. */
export const FRAME_REGISTERS = 32;

const built = new Map<boolean, Assembled>();

/** The rig's code for one mode of the APIC, at TEXT; labels `start`, `exception`, `interrupt`. */
export function rigHandlers(x2apic: boolean): Assembled {
  const known = built.get(x2apic);
  if (known !== undefined) return known;
  const a = assembler();
  start(a, x2apic);
  exception(a);
  interrupt(a, x2apic);
  a.section('data', () => {
    a.label('gdt_register');
    a.u16(rig.FIRST_TSS + 16 * rig.RIG_CORES - 1);
    a.u64(rig.GDT);
    a.label('idt_register');
    a.u16(4095);
    a.u64(rig.IDT);
  });
  const fresh = a.assemble({ base: rig.TEXT, entry: 'start' });
  const end = fresh.image.segments.at(-1)!;
  if (end.address + end.memorySize > rig.TEXT + TEXT_SIZE) throw new Error('the handlers of the rig have outgrown their room');
  built.set(x2apic, fresh);
  return fresh;
}

/** Writes EAX to an APIC register. Changes RCX, RDX, R8. */
function writeApic(a: Assembler, x2apic: boolean, register: number): void {
  if (x2apic) {
    a.xor(edx, edx);
    a.mov(ecx, X2APIC_MSR_FIRST + (register >> 4));
    a.wrmsr();
  } else {
    a.mov(r8, BigInt(rig.APIC));
    a.mov(mem32(r8, register), eax);
  }
}

function start(a: Assembler, x2apic: boolean): void {
  a.label('start');
  a.mov(eax, 1);
  a.cpuid();
  a.shr(ebx, 24);
  a.mov(esi, ebx);
  a.shl(rsi, Math.log2(rig.FRAME_STRIDE));
  a.add(rsi, rig.FRAMES);
  a.lgdt(mem('gdt_register'));
  a.lidt(mem('idt_register'));
  a.mov(eax, rig.DATA_SELECTOR);
  for (const segment of [ds, es, ss]) a.mov(segment, ax);
  a.comment('a top table with PCID 0 before CR4.PCIDE');
  a.mov(rax, mem64(rsi, FRAME_CR3));
  a.mov(cr3, rax);
  a.mov(rax, cr4);
  a.or(rax, mem64(rsi, FRAME_CR4));
  a.mov(cr4, rax);
  a.shl(ebx, 4);
  a.add(ebx, rig.FIRST_TSS);
  a.ltr(ebx);
  if (x2apic) {
    a.mov(ecx, IA32_APIC_BASE);
    a.rdmsr();
    a.or(eax, APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    a.wrmsr();
  }
  a.mov(eax, APIC_SVR_ENABLE | 0xff);
  writeApic(a, x2apic, APIC_SVR);
  a.mov(rax, mem64(rsi, FRAME_TICKS));
  a.test(rax, rax);
  a.if_('nz', () => {
    a.mov(eax, DIVIDE_BY_1);
    writeApic(a, x2apic, APIC_TIMER_DIVIDE);
    a.mov(rax, mem64(rsi, FRAME_LVT));
    writeApic(a, x2apic, APIC_LVT_TIMER);
    a.mov(rax, mem64(rsi, FRAME_TICKS));
    writeApic(a, x2apic, APIC_TIMER_INITIAL);
  });
  a.lea(rsp, mem(rsi, FRAME_REGISTERS));
  popAll(a);
  a.iretq();
}

/** RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8–R15 from the stack. */
function popAll(a: Assembler): void {
  for (const number of [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]) a.bytes(number < 8 ? [0x58 + number] : [0x41, 0x50 + number]);
}

function exception(a: Assembler): void {
  a.align(16);
  a.label('exception');
  a.push(rax);
  a.mov(rax, rsp);
  a.and(rax, -4096);
  a.mov(mem64(rax, rig.AREA_RBX), rbx);
  a.mov(mem64(rax, rig.AREA_RCX), rcx);
  a.pop(mem64(rax, rig.AREA_RAX));
  a.inc(mem32(rax, rig.AREA_EXCEPTIONS));
  a.cmp(mem32(rax, rig.AREA_EXCEPTIONS), rig.EXCEPTION_LIMIT);
  a.ja('.give_up');
  a.mov(rcx, mem64(rax, FRAME_RIP));
  a.sub(rcx, mem64(rax, rig.AREA_PROGRAM));
  a.cmp(rcx, rig.PROGRAM_SIZE);
  a.jae('.restart');
  a.mov(rbx, mem64(rax, rig.AREA_RESUME));
  a.bytes([0x0f, 0xb7, 0x0c, 0x4b]); // movzx ecx, word [rbx + rcx * 2]
  a.cmp(ecx, rig.NO_PIECE);
  a.jne('.resume');
  a.label('.restart');
  a.mov(ecx, mem32(rax, rig.AREA_EXCEPTIONS));
  a.and(ecx, 15);
  a.movzx(ecx, mem16(rax, rcx.times(2), rig.AREA_RESTARTS));
  a.label('.resume');
  a.add(rcx, mem64(rax, rig.AREA_PROGRAM));
  a.mov(mem64(rax, FRAME_RIP), rcx);
  a.mov(rcx, mem64(rax, rig.AREA_STACK));
  a.mov(mem64(rax, FRAME_RSP), rcx);
  a.and(mem32(rax, FRAME_RFLAGS), ~(RFLAGS_TF | RFLAGS_NT));
  a.lea(rsp, mem(rax, FRAME_RIP));
  a.mov(rbx, mem64(rax, rig.AREA_RBX));
  a.mov(rcx, mem64(rax, rig.AREA_RCX));
  a.mov(rax, mem64(rax, rig.AREA_RAX));
  a.iretq();
  a.label('.give_up');
  a.cli();
  a.hlt();
  a.jmp('.give_up');
}

function interrupt(a: Assembler, x2apic: boolean): void {
  a.align(16);
  a.label('interrupt');
  const saved = [rax, rcx, rdx, r8];
  for (const register of saved) a.push(register);
  a.xor(eax, eax);
  writeApic(a, x2apic, APIC_EOI);
  for (const register of saved.toReversed()) a.pop(register);
  a.iretq();
}

/** Address of a label of the handlers. */
export const handlerAt = (handlers: Assembled, label: string): number => {
  const address = handlers.symbols.get(label);
  if (address === undefined)
    throw new Error(`the rig has no label ${label}: ${[...handlers.symbols.keys()].join(', ')} (${addr(label).symbol})`);
  return address;
};
