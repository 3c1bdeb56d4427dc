import { formatLinear } from '../arch/addresses.ts';
import { GPR_NAMES, SEGMENT_NAMES } from '../arch/registers.ts';
import { formatInstruction } from '../asm/formatter.ts';
import type { Core } from '../cpu/core.ts';
import { JitEngine } from '../cpu/engines/jit/jitEngine.ts';
import { ReferenceEngine } from '../cpu/engines/reference/referenceEngine.ts';
import {
  I32_CODE_SIZE,
  I32_CPL,
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
import { isMapped, peek } from '../mmu/inspect.ts';

const INSTRUCTIONS = 10;
const LONGEST_INSTRUCTION = 15;

const hex = (value: bigint): string => value.toString(16).padStart(16, '0');

/** Registers of a core and the last instructions that led to where it is: what a person needs who looks for the cause of a crash. */
export function crashReport(core: Core): string {
  return [
    `core ${core.id}, cycle ${Math.floor(core.clock)}, CPL ${core.state.i32[I32_CPL]}`,
    ...registers(core),
    'last blocks, oldest first:',
    ...lastBlocks(core),
  ].join('\n');
}

function registers(core: Core): string[] {
  const { u64, i32 } = core.state;
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

/** The first instructions of the blocks that ran last; the current one in full up to RIP. */
function lastBlocks(core: Core): string[] {
  const { engine } = core;
  const record = engine instanceof JitEngine ? engine.reference : engine instanceof ReferenceEngine ? engine : undefined;
  if (record === undefined) return ['  (this engine keeps no record)'];
  const { recentBlocks, recentCount } = record;
  const lines: string[] = [];
  for (let i = Math.max(0, recentCount - INSTRUCTIONS); i < recentCount; i++) {
    lines.push(`  ${disassembleAt(core, recentBlocks[i % recentBlocks.length]!)}`);
  }
  return lines;
}

function disassembleAt(core: Core, rip: number): string {
  const { i32 } = core.state;
  const bits = i32[I32_CODE_SIZE] as 16 | 32 | 64;
  const base = bits === 64 ? 0 : Number(core.state.u64[U64_SEGMENT_BASE + 1]!);
  const bytes: number[] = [];
  for (let i = 0; i < LONGEST_INSTRUCTION; i++) {
    const found = peek(core.mmu.context, core.memory, base + rip + i);
    if (!isMapped(found) || !core.memory.contains(found.hpa, 1)) break;
    bytes.push(core.memory.bytes[found.hpa]!);
  }
  const text = bytes.length === 0 ? '(not mapped)' : formatInstruction(bits, Uint8Array.from(bytes), rip);
  return `${formatLinear(rip)}  ${text}`;
}
