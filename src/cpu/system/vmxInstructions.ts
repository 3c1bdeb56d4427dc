import {
  EXIT_INVEPT,
  EXIT_INVVPID,
  EXIT_VMCALL,
  EXIT_VMCLEAR,
  EXIT_VMLAUNCH,
  EXIT_VMPTRLD,
  EXIT_VMPTRST,
  EXIT_VMREAD,
  EXIT_VMRESUME,
  EXIT_VMWRITE,
  EXIT_VMXOFF,
  EXIT_VMXON,
} from '../../arch/exitReasons.ts';
import { VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import type { Operation } from '../operation.ts';
import { exitOnVmxInstruction } from '../vmx/intercepts.ts';

/**
 * A VMX instruction in a guest is a VM exit. Outside a guest CPUID does not advertise VMX to machine code, so it is an invalid opcode.
 *
 * Deviation: VMX for machine code in root operation (VMXON, VMREAD, …) is not there yet; VMMs are host software.
 */
function vmxInstruction(reason: number): Operation {
  return (core: Core, insn: Instruction) => {
    if (exitOnVmxInstruction(core, insn, reason)) return;
    core.raise(VECTOR_UD);
  };
}

export const vmxInstructions: Record<string, Operation> = {
  Vmcall: vmxInstruction(EXIT_VMCALL),
  Vmclear: vmxInstruction(EXIT_VMCLEAR),
  Vmlaunch: vmxInstruction(EXIT_VMLAUNCH),
  Vmptrld: vmxInstruction(EXIT_VMPTRLD),
  Vmptrst: vmxInstruction(EXIT_VMPTRST),
  Vmread: vmxInstruction(EXIT_VMREAD),
  Vmresume: vmxInstruction(EXIT_VMRESUME),
  Vmwrite: vmxInstruction(EXIT_VMWRITE),
  Vmxoff: vmxInstruction(EXIT_VMXOFF),
  Vmxon: vmxInstruction(EXIT_VMXON),
  Vmfunc: (core) => core.raise(VECTOR_UD),
  Invept: vmxInstruction(EXIT_INVEPT),
  Invvpid: vmxInstruction(EXIT_INVVPID),
};
