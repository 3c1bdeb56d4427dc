import type { Operation } from '../operation.ts';
import { invlpgb, tlbsync } from './broadcastInvalidation.ts';
import { rdpid, rdrand } from './chance.ts';
import { clts, movControl } from './controlRegisters.ts';
import { movDebug } from './debugRegisters.ts';
import { arpl, lar, lsl, verr, verw } from './descriptorQueries.ts';
import { lgdt, lidt, lldt, ltr, sgdt, sidt, sldt, str } from './descriptorTables.ts';
import { xgetbv, xsetbv } from './extendedControl.ts';
import { xrstor, xsave, xsaveopt } from './extendedState.ts';
import { farCall, farJump, farReturn } from './farTransfer.ts';
import { swapgs, syscall, sysret, sysretq } from './fastCalls.ts';
import { sysenter, sysexit, sysexitq } from './fastEntry.ts';
import { clac, cli, popf, stac, sti } from './flags.ts';
import { cpuid } from './identification.ts';
import { int1, int3, intN, into } from './interrupts.ts';
import { invlpg, invpcid, wbinvd } from './invalidation.ts';
import { iret } from './iret.ts';
import { lmsw, rsm, smsw } from './machineStatus.ts';
import { mark } from './mark.ts';
import { monitor, mwait } from './monitorWait.ts';
import { rdmsr, wrmsr } from './msr.ts';
import { inputString, outputString } from './portStrings.ts';
import { input, output } from './ports.ts';
import { rdfsbase, rdgsbase, wrfsbase, wrgsbase } from './segmentBases.ts';
import { lds, les, lfs, lgs, lss, movToSegment, popSegment } from './segmentLoads.ts';
import { hlt, pause, rdpmc, rdtsc, rdtscp } from './time.ts';
import { fxrstor, fxsave } from './vectorState.ts';
import { vmxInstructions } from './vmxInstructions.ts';
import { fldenv, fnsave, frstor, storeEnvironment } from './x87State.ts';

/** Long operations by the key that the decoder looks for (semantics/table). What is missing here stops the machine as not implemented. */
export const SYSTEM_OPERATIONS: Readonly<Record<string, Operation>> = {
  Hlt: hlt,
  Pause: pause,
  Monitor: monitor,
  Mwait: mwait,
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
  MovToDebug: movDebug,
  MovFromDebug: movDebug,
  MovToSegment: movToSegment,
  PopSegment: popSegment,
  Les: les,
  Lds: lds,
  Lss: lss,
  Lfs: lfs,
  Lgs: lgs,
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
  Sysretq: sysretq,
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
  Invlpgb: invlpgb,
  Tlbsync: tlbsync,
  Invd: wbinvd,
  Wbnoinvd: wbinvd,
  Rdpmc: rdpmc,
  Rdpid: rdpid,
  Rdrand: rdrand,
  Rdseed: rdrand,
  Lar: lar,
  Lsl: lsl,
  Verr: verr,
  Verw: verw,
  Arpl: arpl,
  Smsw: smsw,
  Lmsw: lmsw,
  Rsm: rsm,
  Sysenter: sysenter,
  Sysexit: sysexit,
  Sysexitq: sysexitq,
  Insb: inputString,
  Insw: inputString,
  Insd: inputString,
  Outsb: outputString,
  Outsw: outputString,
  Outsd: outputString,
  Wbinvd: wbinvd,
  Fnstenv: storeEnvironment,
  Fldenv: fldenv,
  Fnsave: fnsave,
  Frstor: frstor,
  Fxsave: fxsave,
  Fxsave64: fxsave,
  Fxrstor: fxrstor,
  Fxrstor64: fxrstor,
  Xsave: xsave,
  Xsave64: xsave,
  Xsaveopt: xsaveopt,
  Xsaveopt64: xsaveopt,
  Xrstor: xrstor,
  Xrstor64: xrstor,
  Xgetbv: xgetbv,
  Xsetbv: xsetbv,
  Mark: mark,
  ...vmxInstructions,
};
