import { formatLinear } from '../arch/addresses.ts';
import { CS, GPR_NAMES, SEGMENT_NAMES } from '../arch/registers.ts';
import { formatInstruction } from '../asm/formatter.ts';
import { JitEngine } from '../cpu/engines/jit/jitEngine.ts';
import { ReferenceEngine } from '../cpu/engines/reference/referenceEngine.ts';
import { signedNumber } from '../cpu/linearMemory.ts';
import {
  type CoreState,
  I32_CODE_SIZE,
  I32_RFLAGS,
  I32_SEGMENT_ACCESS,
  I32_SEGMENT_LIMIT,
  I32_SEGMENT_SELECTOR,
  U64_CR0,
  U64_CR2,
  U64_CR3,
  U64_CR4,
  U64_EFER,
  U64_RIP,
  U64_SEGMENT_BASE,
} from '../cpu/state.ts';
import type { StopReason } from '../cpu/stop.ts';
import { isMapped, peek } from '../mmu/inspect.ts';
import { type CrashSubject, crashedCore, crashedVcpu } from './crashSubject.ts';
import type { Session } from './session.ts';

const BLOCKS = 10;
const LONGEST_INSTRUCTION = 15;

const hex = (value: bigint): string => value.toString(16).padStart(16, '0');

/**
 * Registers of the core or vCPU whose fault ended the run, and the last instructions that led to where it is: what a person needs who looks
 * for the cause of a crash.
 */
export function crashReport({ machine, vmm }: Session, reason: Extract<StopReason, { core: number }>): string {
  const vcpu = vmm?.vms.find(({ ended }) => ended === reason)?.endedBy;
  const subject = vcpu === undefined ? crashedCore(machine.cores[reason.core]!) : crashedVcpu(vcpu);
  return [
    subject.title,
    ...registers(subject.state),
    'last blocks kept, oldest first:',
    ...lastBlocks(subject),
    'at RIP:',
    `  ${disassembleAt(subject, signedNumber(subject.state.u64[U64_RIP]!))}`,
  ].join('\n');
}

function registers({ u64, i32 }: CoreState): string[] {
  const lines: string[] = [];
  for (let row = 0; row < 16; row += 4) {
    lines.push([0, 1, 2, 3].map((column) => `${GPR_NAMES[row + column]!.padEnd(3)} ${hex(u64[row + column]!)}`).join('  '));
  }
  lines.push(`rip ${hex(u64[U64_RIP]!)}  rflags ${(i32[I32_RFLAGS]! >>> 0).toString(16).padStart(8, '0')}  code ${i32[I32_CODE_SIZE]} bit`);
  lines.push(`cr0 ${hex(u64[U64_CR0]!)}  cr2 ${hex(u64[U64_CR2]!)}  cr3 ${hex(u64[U64_CR3]!)}  cr4 ${hex(u64[U64_CR4]!)}`);
  lines.push(`efer ${hex(u64[U64_EFER]!)}`);
  SEGMENT_NAMES.forEach((name, segment) => {
    const selector = (i32[I32_SEGMENT_SELECTOR + segment]! & 0xffff).toString(16).padStart(4, '0');
    const limit = (i32[I32_SEGMENT_LIMIT + segment]! >>> 0).toString(16).padStart(8, '0');
    const access = i32[I32_SEGMENT_ACCESS + segment]!.toString(16).padStart(5, '0');
    lines.push(`${name.padEnd(4)} ${selector} base ${hex(u64[U64_SEGMENT_BASE + segment]!)} limit ${limit} access ${access}`);
  });
  return lines;
}

/** The first instructions of the blocks of this core or vCPU that ran last, as far as the engine has kept them: compiled code leaves no record. */
function lastBlocks(subject: CrashSubject): string[] {
  const { engine } = subject.core;
  const record = engine instanceof JitEngine ? engine.reference : engine instanceof ReferenceEngine ? engine : undefined;
  if (record === undefined) return ['  (this engine keeps none)'];
  const { recentBlocks, recentTags, recentCount } = record;
  const size = recentBlocks.length;
  const lines: string[] = [];
  for (let i = Math.max(0, recentCount - size); i < recentCount; i++) {
    if (recentTags[i % size] === subject.tag) lines.push(`  ${disassembleAt(subject, recentBlocks[i % size]!)}`);
  }
  return lines.length === 0 ? ['  (none)'] : lines.slice(-BLOCKS);
}

function disassembleAt({ state, context, core }: CrashSubject, rip: number): string {
  const bits = state.i32[I32_CODE_SIZE] as 16 | 32 | 64;
  const base = bits === 64 ? 0 : Number(state.u64[U64_SEGMENT_BASE + CS]!);
  const bytes: number[] = [];
  for (let i = 0; i < LONGEST_INSTRUCTION; i++) {
    const found = peek(context, core.memory, base + rip + i);
    if (!isMapped(found) || !core.memory.contains(found.hpa, 1)) break;
    bytes.push(core.memory.bytes[found.hpa]!);
  }
  const text = bytes.length === 0 ? '(not mapped)' : formatInstruction(bits, Uint8Array.from(bytes), rip);
  return `${formatLinear(rip)}  ${text}`;
}
