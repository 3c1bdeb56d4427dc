import { expect, test } from 'vitest';
import { EXIT_IO } from '../../../src/arch/exitReasons.ts';
import { RCX, RDI, RDX, RSI } from '../../../src/arch/registers.ts';
import * as fields from '../../../src/arch/vmcs.ts';
import { PRIMARY_UNCONDITIONAL_IO_EXITING } from '../../../src/arch/vmxControls.ts';
import { DATA } from '../rig.ts';
import { VmxRig } from './vmxRig.ts';

const PORT = 0x1f0;
const ADDRESS_64 = 2 << 7;
const ADDRESS_32 = 1 << 7;
const DS = 3 << 15;
const FS = 4 << 15;

/** A guest at one instruction, with RDX, RSI, RDI and RCX as usual. */
function rigWith(bytes: readonly number[], count = 5n): VmxRig {
  const rig = new VmxRig((a) => {
    a.bytes([...bytes]);
    a.label('behind');
    a.vmcall();
  });
  const { u64 } = rig.core.state;
  u64[RDX] = BigInt(PORT);
  u64[RSI] = BigInt(DATA + 0x10);
  u64[RDI] = 0x7_0000_0020n;
  u64[RCX] = count;
  rig.set(fields.VMCS_GUEST_FS_BASE, 0x1000);
  return rig;
}

test.for([
  ['INSB', [0x6c], 0x18, 0x7_0000_0020n, ADDRESS_64, 1],
  ['INSD', [0x6d], 0x1b, 0x7_0000_0020n, ADDRESS_64, 1],
  ['REP INSW', [0xf3, 0x66, 0x6d], 0x39, 0x7_0000_0020n, ADDRESS_64, 3],
  ['OUTSB', [0x6e], 0x10, BigInt(DATA + 0x10), ADDRESS_64 | DS, 1],
  ['REP OUTSD from FS', [0x64, 0xf3, 0x6f], 0x33, BigInt(DATA + 0x1010), ADDRESS_64 | FS, 3],
  ['INSB with 32-bit addresses', [0x67, 0x6c], 0x18, 0x20n, ADDRESS_32, 2],
] as const)('%s leaves the guest before anything is moved, with what a VMM needs', ([, bytes, low, la, information, length]) => {
  const rig = rigWith(bytes);
  rig.ask(fields.VMCS_PRIMARY_CONTROLS, PRIMARY_UNCONDITIONAL_IO_EXITING);
  const registers = [...rig.core.state.u64.subarray(0, 16)];
  expect(rig.exit()).toMatchObject({ reason: EXIT_IO, qualification: BigInt(low + PORT * 0x1_0000), length, rip: rig.at('start') });
  const { vmcs } = rig;
  expect([vmcs.read(fields.VMCS_GUEST_LINEAR_ADDRESS), vmcs.readNumber(fields.VMCS_EXIT_INSTRUCTION_INFO)]).toEqual([la, information]);
  for (const register of [RCX, RDX, RSI, RDI]) expect(rig.core.state.u64[register]).toBe(registers[register]);
});

test('a repeated one with a count of 0 accesses no port, and stays', () => {
  const rig = rigWith([0xf3, 0x6c], 0n);
  rig.ask(fields.VMCS_PRIMARY_CONTROLS, PRIMARY_UNCONDITIONAL_IO_EXITING);
  expect(rig.exit()).toMatchObject({ rip: rig.at('behind') });
});

test('without I/O exiting the guest has the ports', () => {
  const rig = rigWith([0xf3, 0x6e], 3n);
  const written: number[] = [];
  rig.core.ports.write = (port, value) => void written.push(port, value);
  for (let i = 0; i < 3; i++) rig.machine.memory.bytes[DATA + 0x10 + i] = i + 1;
  expect(rig.exit()).toMatchObject({ rip: rig.at('behind') });
  expect(written).toEqual([PORT, 1, PORT, 2, PORT, 3]);
});
