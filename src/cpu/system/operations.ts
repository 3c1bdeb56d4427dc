import type { Operation } from '../operation.ts';
import { clts, movControl } from './controlRegisters.ts';
import { lgdt, lidt, lldt, ltr, sgdt, sidt, sldt, str } from './descriptorTables.ts';
import { farCall, farJump, farReturn } from './farTransfer.ts';
import { swapgs, syscall, sysret } from './fastCalls.ts';
import { clac, cli, popf, stac, sti } from './flags.ts';
import { cpuid } from './identification.ts';
import { int1, int3, intN, into, iret } from './interrupts.ts';
import { invlpg, invpcid, wbinvd } from './invalidation.ts';
import { mark } from './mark.ts';
import { rdmsr, wrmsr } from './msr.ts';
import { input, output } from './ports.ts';
import { rdfsbase, rdgsbase, wrfsbase, wrgsbase } from './segmentBases.ts';
import { movToSegment, popSegment } from './segmentLoads.ts';
import { hlt, pause, rdtsc, rdtscp } from './time.ts';
import { fxrstor, fxsave } from './vectorState.ts';
import { vmxInstructions } from './vmxInstructions.ts';

/** Long operations by the key that the decoder looks for (semantics/table). What is missing here stops the machine as not implemented. */
export const SYSTEM_OPERATIONS: Readonly<Record<string, Operation>> = {
  Hlt: hlt,
  Pause: pause,
  Cpuid: cpuid,
  Rdmsr: rdmsr,
  Wrmsr: wrmsr,
  Rdtsc: rdtsc,
  Rdtscp: rdtscp,
  Lgdt: lgdt,
  Lidt: lidt,
  Sgdt: sgdt,
  Sidt: sidt,
  Lldt: lldt,
  Sldt: sldt,
  Ltr: ltr,
  Str: str,
  Clts: clts,
  MovToControl: movControl,
  MovFromControl: movControl,
  MovToSegment: movToSegment,
  PopSegment: popSegment,
  JmpFar: farJump,
  CallFar: farCall,
  Retf: farReturn,
  Int: intN,
  Int1: int1,
  Int3: int3,
  Into: into,
  Iret: iret,
  Iretd: iret,
  Iretq: iret,
  Syscall: syscall,
  Sysret: sysret,
  Sysretq: sysret,
  Swapgs: swapgs,
  Rdfsbase: rdfsbase,
  Rdgsbase: rdgsbase,
  Wrfsbase: wrfsbase,
  Wrgsbase: wrgsbase,
  Cli: cli,
  Sti: sti,
  Stac: stac,
  Clac: clac,
  Popf: popf,
  Popfd: popf,
  Popfq: popf,
  In: input,
  Out: output,
  Invlpg: invlpg,
  Invpcid: invpcid,
  Invd: wbinvd,
  Wbinvd: wbinvd,
  Fxsave: fxsave,
  Fxsave64: fxsave,
  Fxrstor: fxrstor,
  Fxrstor64: fxrstor,
  Mark: mark,
  ...vmxInstructions,
};
