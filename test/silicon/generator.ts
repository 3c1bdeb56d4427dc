/** Cases of a form: random encodings of it, at times behind or before another instruction, in several states. */
import { RSP, SS } from '../../src/arch/registers.ts';
import { VECTOR_VE } from '../../src/arch/vectors.ts';
import { CpuidTable } from '../../src/cpu/cpuid.ts';
import { codeModeOf } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { type Form, formCatalogue } from '../../src/cpu/decode/formCatalogue.ts';
import { type Instruction, OPERAND_REGISTER, OPERAND_RELATIVE, OPERAND_SEGMENT } from '../../src/cpu/decode/instruction.ts';
import { isAdvertised } from '../../src/cpu/features.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import { type Encoded, encodeForm } from './encodings.ts';
import { interestingAddress, placeCase } from './placement.ts';
import { RandomSource } from './random.ts';
import type { CodeSize, SiliconCase } from './siliconCase.ts';

const decoder = new Decoder({}, FLAT_COSTS);

/**
 * Forms that the processor and the model need not agree about, and why.
 * What the host's kernel decides, what time and chance decide, and what vendors do differently on purpose.
 */
export const NOT_COMPARED: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^(?:Syscall|Sysenter|Vmcall|Vmmcall)/, 'enters the host kernel or its hypervisor'],
  [/^(?:Cpuid|Rdtsc|Rdtscp|Rdpmc|Rdpid|Rdrand|Rdseed|Xgetbv)/, 'shows time, chance or the host itself'],
  [/^(?:Sgdt|Sidt|Sldt|Str|Smsw)/, 'emulated by the host kernel under UMIP'],
  [/^(?:Monitor|Mwait|Clwb|Clflushopt|Wbnoinvd|Rdssp)/, 'depends on features of the host'],
  [/_m1664$/, 'far pointers of 80 bits: Intel only'],
  [/^Vm(?:read|write)/, 'other instructions on AMD'],
  [/^Ud0$/, 'decoded with a ModRM byte'],
  [/^Movsxd_r16/, 'AMD loads 32 bits, Intel 16'],
  [/^Int1$/, 'answered by the hypervisor'],
  [/^Reservednop_\w+_0F0D/, 'invalid on AMD, a NOP on Intel'],
  [/^(?:Sysret|Sysexit|Rsm|Invlpga|Skinit|Stgi|Clgi|Vmrun|Vmload|Vmsave|Getsec)/, 'SVM and system-management instructions of the host'],
];

export const isCompared = ({ form }: Form): boolean => !NOT_COMPARED.some(([pattern]) => pattern.test(form));

/** General-purpose forms of level 3 that the model advertises, by code size. */
export function userForms(): { form: Form; size: CodeSize }[] {
  const cpuid = new CpuidTable(ivybridge.identity, 1e9, 1);
  return formCatalogue()
    .filter((form) => form.class === 'general' && isCompared(form) && isAdvertised(form.mnemonic, form.features, cpuid))
    .flatMap((form) => form.sizes.map((size) => ({ form, size })));
}

/** Decodes the instructions of a piece of code. */
export function instructionsOf(code: Uint8Array, size: CodeSize): Instruction[] {
  const found: Instruction[] = [];
  decoder.decodeRun(code, 0, codeModeOf(size, size === 32), (insn) => {
    found.push(insn);
    return true;
  });
  return found;
}

export interface GeneratedCases {
  readonly form: Form;
  readonly insns: readonly Instruction[];
  readonly cases: readonly SiliconCase[];
}

/** Instructions that a neighbour can be: short ones without faults of their own, so that flags and registers flow from one to the next. */
const NEIGHBOURS =
  /^(?:Add|Sub|Adc|Sbb|And|Or|Xor|Inc|Dec|Neg|Cmp|Test|Mov|Lea|Set\w+|Cmov\w+|Shl|Sar|Clc|Stc|Cmc|Movzx|Rcl|Bswap|Push|Pop)_/;

export class Generator {
  private readonly random: RandomSource;
  private readonly neighbours: Readonly<Record<CodeSize, readonly Form[]>>;
  private readonly localTable: boolean;

  /** @param localTable see SiliconCase. */
  constructor(seed: number, forms: readonly { form: Form; size: CodeSize }[], localTable = true) {
    this.random = new RandomSource(seed);
    this.localTable = localTable;
    const of = (size: CodeSize): Form[] =>
      forms
        .filter((one) => one.size === size && NEIGHBOURS.test(one.form.form) && !/cr|dr|_Sreg/.test(one.form.form))
        .map(({ form }) => form);
    this.neighbours = { 16: of(16), 32: of(32), 64: of(64) };
  }

  /** `count` states for one encoding of the form; undefined when no encoding was found or it would not end. */
  make(form: Form, size: CodeSize, count: number): GeneratedCases | undefined {
    const { random } = this;
    const address = (): number => interestingAddress(random);
    const main = encodeForm(form, size, random, address);
    if (main === undefined || runsBack(main.insn) || differsByVendor(main, size)) return undefined;
    const pieces: Encoded[] = [main];
    if (random.chance(0.25)) {
      const neighbour = encodeForm(random.pick(this.neighbours[size]), size, random, address);
      if (neighbour !== undefined && main.insn.kind !== 'branch') pieces.splice(random.below(2), 0, neighbour);
    }
    const insns = pieces.map(({ insn }) => insn);
    if (readsUndefinedFlags(insns)) return undefined;
    const code = Uint8Array.from(pieces.flatMap(({ bytes }) => [...bytes]));
    const smallStack = size !== 64 && random.chance(0.4) && !insns.some(usesStackPointer);
    const cases = Array.from({ length: count }, () => placeCase(code, main.insn, size, smallStack, random));
    // The code is the same for all, so that it is compiled once.
    return { form, insns, cases: cases.map((one) => ({ ...one, origin: cases[0]!.origin, localTable: this.localTable })) };
  }
}

/** IRET to a small stack leaves the upper part of ESP undefined: nobody may look at it. */
function usesStackPointer({ form, operands, memory, mnemonic, width }: Instruction): boolean {
  if (/^Call_(?:m16|ptr)/.test(form) || /^(?:Pushad|Enter|Iret|Retf|Lss)/.test(mnemonic) || memory?.base === RSP || memory?.index === RSP)
    return true;
  return operands.some(
    ({ kind, register }) => (kind === OPERAND_REGISTER && register === RSP && width > 8) || (kind === OPERAND_SEGMENT && register === SS),
  );
}

/** A branch into itself or to what stands before it may never end. */
function runsBack(insn: Instruction): boolean {
  return insn.operands[0]?.kind === OPERAND_RELATIVE && insn.delta < 0 && insn.delta >= -32;
}

const isHostsVector = (vector: number): boolean => vector === 0x80 || (vector > VECTOR_VE && vector < 0x20);

/** Where AMD's and Intel's manuals disagree, and the model follows Intel's. */
function differsByVendor({ insn, bytes }: Encoded, size: CodeSize): boolean {
  // The host's system call, and reserved vectors, some of which hypervisors answer by themselves.
  if (insn.mnemonic === 'Int' && isHostsVector(Number(insn.operands[0]!.immediate))) return true;
  const prefixes = bytes.slice(0, insn.length);
  // PAUSE with REX.B is XCHG on AMD.
  if (insn.mnemonic === 'Pause' && size === 64 && prefixes.some((byte) => (byte & 0xf1) === 0x41)) return true;
  // An operand-size prefix on a near branch in 64-bit code: AMD obeys it.
  if (size === 64 && insn.kind === 'branch' && insn.repeat === 0 && prefixes.includes(0x66)) return true;
  // A repeat prefix on LOOPcc chooses the condition on some processors.
  return (
    /^Loop/.test(insn.mnemonic) && (prefixes[0] === 0xf2 || prefixes[0] === 0xf3 || prefixes.includes(0xf2) || prefixes.includes(0xf3))
  );
}

function readsUndefinedFlags(insns: readonly Instruction[]): boolean {
  let open = 0;
  for (const insn of insns) {
    if (insn.flagsRead & open) return true;
    open = (open & ~insn.flagsWritten) | insn.flagsUndefined;
  }
  return false;
}
