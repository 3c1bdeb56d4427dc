import { RAX } from '../../arch/registers.ts';
import { VMCS_EXIT_QUALIFICATION, VMCS_GUEST_RIP } from '../../arch/vmcs.ts';
import { writeRegister } from '../../cpu/system/operands.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { skipInstruction } from './skip.ts';

/** Bit of the exit qualification: INS or OUTS. */
const STRING = 1 << 4;

/**
 * IN and OUT go to the VM's own devices.
 * Deviation: this VMM does not emulate INS and OUTS; a VM that executes one is ended.
 * SDM: Vol. 3, "Exit Qualification for I/O Instructions".
 */
export function handleIo(pcpu: Pcpu, vcpu: Vcpu): void {
  const { core } = pcpu;
  const qualification = vcpu.vmcs.readNumber(VMCS_EXIT_QUALIFICATION);
  const bytes = (qualification & 7) + 1;
  const port = (qualification >>> 16) & 0xffff;
  core.charge(pcpu.vmm.costs.portEmulation);
  if (qualification & STRING) {
    const rip = vcpu.vmcs.read(VMCS_GUEST_RIP).toString(16);
    const what = `${qualification & 8 ? 'INS' : 'OUTS'} of port 0x${port.toString(16)} is not emulated (RIP 0x${rip})`;
    pcpu.vmm.endByFault(vcpu, { kind: 'entry-failure', core: pcpu.id, detail: `VM ${vcpu.vm.id} vCPU ${vcpu.id}: ${what}` }, pcpu);
    return;
  }
  skipInstruction(vcpu);
  const { u64 } = core.state;
  if (qualification & 8) {
    const value = BigInt(vcpu.vm.ports.read(port, bytes));
    if (bytes === 1) u64[RAX] = (u64[RAX]! & ~0xffn) | value;
    else writeRegister(core, RAX, bytes * 8, value);
  } else {
    pcpu.vmm.writing = pcpu;
    vcpu.vm.ports.write(port, Number(BigInt.asUintN(bytes * 8, u64[RAX]!)), bytes);
  }
}
