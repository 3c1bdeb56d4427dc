import { describe, expect, test } from 'vitest';
import { APIC_SVR } from '../../../src/arch/apicRegisters.ts';
import { EXIT_EXTERNAL_INTERRUPT, EXIT_MONITOR, EXIT_MWAIT } from '../../../src/arch/exitReasons.ts';
import { IA32_MISC_ENABLE, MISC_ENABLE_MONITOR } from '../../../src/arch/msr.ts';
import { RFLAGS_IF } from '../../../src/arch/rflags.ts';
import { VECTOR_GP, VECTOR_PF, VECTOR_UD } from '../../../src/arch/vectors.ts';
import { VMCS_EXIT_REASON, VMCS_GUEST_ACTIVITY, VMCS_GUEST_RFLAGS, VMCS_GUEST_RIP, VMCS_PRIMARY_CONTROLS } from '../../../src/arch/vmcs.ts';
import { PRIMARY_MONITOR_EXITING, PRIMARY_MWAIT_EXITING } from '../../../src/arch/vmxControls.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { mem8, mem32, mem64 } from '../../../src/asm/operand.ts';
import { al, eax, ecx, edx, rax, rbx, rcx, rdi, rsi, rsp } from '../../../src/asm/register.ts';
import { ENGINES, type EngineName } from '../../../src/cpu/engines/registry.ts';
import { ACTIVITY_ACTIVE, ACTIVITY_HALTED, ACTIVITY_MWAIT, I32_ACTIVITY } from '../../../src/cpu/state.ts';
import { enterDirect } from '../../../src/machine/enterDirect.ts';
import { DATA, Rig } from '../rig.ts';
import { VmxRig } from '../vmx/vmxRig.ts';

const monitor = (a: Assembler): void => void a.bytes([0x0f, 0x01, 0xc8]);
const mwait = (a: Assembler): void => void a.bytes([0x0f, 0x01, 0xc9]);

/** DATA is monitored, and waited for. @param extensions of MWAIT. */
function waitForData(a: Assembler, extensions = 0): void {
  a.mov(eax, DATA);
  a.xor(ecx, ecx);
  a.xor(edx, edx);
  monitor(a);
  if (extensions !== 0) a.mov(ecx, extensions);
  mwait(a);
  a.label('behind');
}

/** Core 0 waits for DATA and then halts; core 1 is at `writer`, a little later. */
function pair(engine: EngineName, write: (a: Assembler) => void): Rig {
  const rig = new Rig(
    (a) => {
      waitForData(a);
      a.hlt();
      a.label('writer');
      for (let i = 0; i < 300; i++) a.nop();
      write(a);
      a.hlt();
    },
    { cores: 2, engine },
  );
  const writer = rig.machine.cores[1]!;
  enterDirect(writer, rig.at('writer'));
  writer.state.u64[4] = 0x4_0000n;
  return rig;
}

const activities = ({ machine }: Rig): number[] => machine.cores.map(({ state }) => state.i32[I32_ACTIVITY]!);

describe.each(ENGINES)('MWAIT (%s engine)', (engine) => {
  const stores: readonly (readonly [string, (a: Assembler) => void])[] = [
    ['MOV', (a) => a.mov(mem32(DATA + 60), eax)],
    ['MOV that begins in the line before', (a) => a.mov(mem64(DATA - 7), rax)],
    ['a locked XADD', (a) => a.bytes([0xf0, 0x0f, 0xc1, 0x04, 0x25, ...bytesOf(DATA)])],
    ['MOVUPS', (a) => a.bytes([0x0f, 0x11, 0x04, 0x25, ...bytesOf(DATA + 48)])],
    [
      'PUSH',
      (a) => {
        a.mov(rsp, DATA + 8);
        a.push(rax);
      },
    ],
    [
      'REP STOSB that comes to it',
      (a) => {
        a.mov(rdi, DATA - 256);
        a.mov(ecx, 300);
        a.rep.stosb();
      },
    ],
    [
      'REP MOVSQ that comes to it',
      (a) => {
        a.mov(rsi, DATA + 1024);
        a.mov(rdi, DATA - 256);
        a.mov(ecx, 60);
        a.rep.movsq();
      },
    ],
  ];
  test.each(stores)('ends with a store to the line: %s', (_name, write) => {
    const rig = pair(engine, write);
    expect(rig.run()).toEqual({ kind: 'idle' });
    expect(activities(rig)).toEqual([ACTIVITY_HALTED, ACTIVITY_HALTED]);
    expect(rig.core.rip).toBe(rig.at('writer'));
  });

  test('goes on a line transfer after the store, and the price of leaving HLT later', () => {
    const rig = new Rig(
      (a) => {
        waitForData(a);
        a.rdtsc();
        a.hlt();
        a.label('writer');
        for (let i = 0; i < 300; i++) a.nop();
        a.mov(mem8(DATA), al);
        a.hlt();
      },
      { cores: 2, engine },
    );
    const writer = rig.machine.cores[1]!;
    enterDirect(writer, rig.at('writer'));
    const { cacheLineTransfer, wake } = rig.machine.costs;
    const writes: number[] = [];
    const { onMonitoredWritten } = rig.machine.memory;
    rig.machine.memory.onMonitoredWritten = (hpa, bytes) => {
      writes.push(writer.clock);
      return onMonitoredWritten(hpa, bytes);
    };
    rig.run();
    expect(writes).toHaveLength(1);
    expect(Number(rig.core.state.u64[0])).toBe(writes[0]! + cacheLineTransfer + wake);
  });

  test('does not end with stores to the lines beside it', () => {
    const rig = pair(engine, (a) => {
      a.mov(mem8(DATA - 1), al);
      a.mov(mem8(DATA + 64), al);
      a.mov(rbx, mem64(DATA));
    });
    expect(rig.run()).toEqual({ kind: 'idle' });
    expect(activities(rig)).toEqual([ACTIVITY_MWAIT, ACTIVITY_HALTED]);
  });

  test('does not begin when the store came before it', () => {
    const rig = new Rig(
      (a) => {
        a.mov(eax, DATA);
        a.xor(ecx, ecx);
        monitor(a);
        a.mov(mem8(DATA), al);
        mwait(a);
        a.hlt();
        a.label('end');
      },
      { engine },
    );
    rig.run();
    expect([rig.core.rip, rig.core.state.i32[I32_ACTIVITY]]).toEqual([rig.at('end'), ACTIVITY_HALTED]);
  });

  test('waits for a store that came before it, but is not seen yet', () => {
    const rig = new Rig(
      (a) => {
        a.mov(eax, DATA);
        a.xor(ecx, ecx);
        monitor(a);
        for (let i = 0; i < 40; i++) a.nop();
        mwait(a);
        a.hlt();
        a.label('writer');
        for (let i = 0; i < 30; i++) a.nop();
        a.mov(mem8(DATA), al);
        a.hlt();
      },
      { engine, cores: 2 },
    );
    enterDirect(rig.machine.cores[1]!, rig.at('writer'));
    const [waiter, writer] = rig.machine.cores as [Rig['core'], Rig['core']];
    rig.run();
    expect(waiter.state.i32[I32_ACTIVITY]).toBe(ACTIVITY_HALTED);
    expect(waiter.clock).toBeGreaterThan(writer.clock);
  });

  test('does not begin when nothing is monitored, nor a second time', () => {
    const rig = new Rig(
      (a) => {
        a.xor(ecx, ecx);
        mwait(a);
        waitForData(a);
        mwait(a);
        a.hlt();
        a.label('end');
        a.label('writer');
        for (let i = 0; i < 300; i++) a.nop();
        a.mov(mem8(DATA), al);
        a.hlt();
      },
      { engine, cores: 2 },
    );
    enterDirect(rig.machine.cores[1]!, rig.at('writer'));
    rig.run();
    expect([rig.core.rip, rig.core.state.i32[I32_ACTIVITY]]).toEqual([rig.at('end'), ACTIVITY_HALTED]);
  });

  test('leaves the page as any other when nobody monitors it any more', () => {
    const rig = pair(engine, (a) => {
      a.mov(mem8(DATA), al);
      a.mov(mem8(DATA), al);
    });
    rig.run();
    expect(rig.machine.memory.codePages[DATA >> 12]).toBe(0);
  });
});

test('the core that stored does not run ahead of what the woken one sees', () => {
  const seen = ENGINES.map((engine) => {
    const rig = new Rig(
      (a) => {
        waitForData(a);
        a.mov(rax, mem64(DATA + 0x1000));
        a.hlt();
        a.label('writer');
        a.mov(ecx, 200);
        a.label('before');
        a.dec(ecx);
        a.jne('before');
        a.mov(mem8(DATA), al);
        a.mov(ecx, 100_000);
        a.label('after');
        a.inc(mem64(DATA + 0x1000));
        a.dec(ecx);
        a.jne('after');
        a.hlt();
      },
      { cores: 2, engine },
    );
    enterDirect(rig.machine.cores[1]!, rig.at('writer'));
    rig.run();
    // An iteration takes three cycles; the writer may be a quantum ahead.
    expect(Number(rig.core.state.u64[0])).toBeLessThan(rig.machine.costs.ipiLatency);
    return [rig.core.state.u64[0], ...rig.machine.cores.map(({ clock }) => clock)];
  });
  expect(seen[1]).toEqual(seen[0]);
});

const bytesOf = (address: number): number[] => [address & 0xff, (address >> 8) & 0xff, (address >> 16) & 0xff, address >>> 24];

test('cores that hand a token round by MONITOR and MWAIT do the same on every engine', () => {
  const CORES = 3;
  const ROUNDS = 60;
  const results = ENGINES.map((engine) => {
    const rig = new Rig(
      (a) => {
        for (let core = 0; core < CORES; core++) {
          a.label(`core ${core}`);
          a.mov(rbx, 0);
          a.label(`next ${core}`);
          a.mov(eax, DATA);
          a.xor(ecx, ecx);
          a.xor(edx, edx);
          monitor(a);
          // The token is the number of hand-overs so far.
          a.mov(rax, mem64(DATA));
          a.cmp(rax, rbx);
          a.je(`mine ${core}`);
          mwait(a);
          a.jmp(`next ${core}`);
          a.label(`mine ${core}`);
          a.inc(mem64(DATA + 0x800 + 8 * core));
          a.add(rbx, CORES);
          a.inc(rax);
          a.mov(mem64(DATA), rax);
          a.cmp(rbx, CORES * ROUNDS);
          a.jb(`next ${core}`);
          a.hlt();
        }
      },
      { engine, cores: CORES },
    );
    rig.machine.cores.forEach((core, i) => {
      enterDirect(core, rig.at(`core ${i}`));
    });
    // Core n begins with token n.
    for (let i = 1; i < CORES; i++) rig.machine.memory.bytes[rig.at(`core ${i}`) + 3] = i;
    expect(rig.run()).toEqual({ kind: 'idle' });
    return rig.machine.cores.map(({ clock, state }, i) => [
      clock,
      [...state.counters],
      [...state.u64.subarray(0, 17)],
      rig.load(DATA + 0x800 + 8 * i),
    ]);
  });
  expect(results[0]!.map((result) => result[3])).toEqual(Array(CORES).fill(BigInt(ROUNDS)));
  expect(results[1]).toEqual(results[0]);
});

/** An interrupt arrives, and the core does what follows. */
function arrive({ core }: Rig): void {
  core.apic.accept(0x50);
  core.run(core.clock + 1000);
}

describe('interrupts and MWAIT', () => {
  function interrupted(extensions: number, enabled: boolean): Rig {
    const rig = new Rig((a) => {
      if (enabled) a.sti();
      waitForData(a, extensions);
      a.hlt();
      a.label('end');
    });
    rig.core.apic.write(APIC_SVR, 0x1ff);
    rig.run();
    expect(rig.core.state.i32[I32_ACTIVITY]).toBe(ACTIVITY_MWAIT);
    rig.machine.stopReason = undefined;
    rig.core.stopped = false;
    return rig;
  }

  test('an interrupt ends the wait, and returns behind it', () => {
    const rig = interrupted(0, true);
    arrive(rig);
    const { vector, frame } = rig.delivered(1);
    expect([vector, Number(frame[0])]).toEqual([0x50, rig.at('behind')]);
  });

  test('a masked interrupt ends it when rCX asks for that, and is not delivered', () => {
    const rig = interrupted(1, false);
    arrive(rig);
    expect([rig.core.rip, rig.core.state.i32[I32_ACTIVITY]]).toEqual([rig.at('end'), ACTIVITY_HALTED]);
  });

  test('else a masked interrupt does not', () => {
    const rig = interrupted(0, false);
    arrive(rig);
    expect(rig.core.state.i32[I32_ACTIVITY]).toBe(ACTIVITY_MWAIT);
  });

  test('an NMI ends it', () => {
    const rig = interrupted(0, false);
    rig.core.pendingNmi = true;
    rig.core.run(rig.core.clock + 1000);
    expect(rig.delivered(1).vector).toBe(2);
  });
});

describe('MONITOR and MWAIT raise', () => {
  test.each([
    ['MONITOR', monitor],
    ['MWAIT', mwait],
  ] as const)('#UD for %s at level 3, and while IA32_MISC_ENABLE turns it off', (_name, write) => {
    const code = (a: Assembler): void => {
      a.mov(eax, DATA);
      a.xor(ecx, ecx);
      write(a);
      a.hlt();
    };
    const user = new Rig(code);
    user.enterUser('start');
    expect(user.delivered().vector).toBe(VECTOR_UD);
    const off = new Rig((a) => {
      a.mov(ecx, IA32_MISC_ENABLE);
      a.rdmsr();
      a.and(eax, ~MISC_ENABLE_MONITOR);
      a.wrmsr();
      a.mov(eax, 1);
      a.cpuid();
      a.mov(mem32(DATA + 8), ecx);
      code(a);
    });
    expect(off.delivered().vector).toBe(VECTOR_UD);
    expect(off.load(DATA + 8) & 8n).toBe(0n);
  });

  test.each([
    ['MONITOR with extensions', 0x5_0000n, 1n, monitor, VECTOR_GP],
    ['MONITOR with high bits of RCX', 0x5_0000n, 1n << 32n, monitor, VECTOR_GP],
    ['MONITOR of an address that is not canonical', 0x8000_0000_0000n, 0n, monitor, VECTOR_GP],
    ['MONITOR of an absent page', 0x40_0000_0000n, 0n, monitor, VECTOR_PF],
    ['MWAIT with unknown extensions', 0n, 2n, mwait, VECTOR_GP],
  ] as const)('%s', (_name, address, extensions, write, vector) => {
    const rig = new Rig((a) => {
      a.mov(rax, address);
      a.mov(rcx, extensions);
      write(a);
      a.hlt();
    });
    expect(rig.fault().vector).toBe(vector);
  });
});

describe('MONITOR and MWAIT in a guest', () => {
  test('MONITOR exiting', () => {
    const rig = new VmxRig((a) => monitor(a)).ask(VMCS_PRIMARY_CONTROLS, PRIMARY_MONITOR_EXITING);
    expect(rig.exit()).toMatchObject({ reason: EXIT_MONITOR, qualification: 0n, length: 3 });
  });

  test('MWAIT exiting tells whether something is monitored', () => {
    const armed = new VmxRig((a) => waitForData(a)).ask(VMCS_PRIMARY_CONTROLS, PRIMARY_MWAIT_EXITING);
    expect(armed.exit()).toMatchObject({ reason: EXIT_MWAIT, qualification: 1n, length: 3 });
    const idle = new VmxRig((a) => mwait(a)).ask(VMCS_PRIMARY_CONTROLS, PRIMARY_MWAIT_EXITING);
    expect(idle.exit()).toMatchObject({ reason: EXIT_MWAIT, qualification: 0n, length: 3 });
  });

  test('an exit out of a wait says that the guest is active, behind MWAIT, and nothing is monitored', () => {
    const rig = new VmxRig((a) => waitForData(a));
    rig.set(VMCS_GUEST_RFLAGS, 2 | RFLAGS_IF);
    rig.core.apic.write(APIC_SVR, 0x1ff);
    expect(rig.enter()).toBeUndefined();
    rig.run(10_000);
    expect(rig.core.state.i32[I32_ACTIVITY]).toBe(ACTIVITY_MWAIT);
    rig.machine.stopReason = undefined;
    rig.core.stopped = false;
    arrive(rig);
    expect(rig.vmcs.readNumber(VMCS_GUEST_ACTIVITY)).toBe(ACTIVITY_ACTIVE);
    expect(rig.vmcs.readNumber(VMCS_EXIT_REASON)).toBe(EXIT_EXTERNAL_INTERRUPT);
    expect(rig.vmcs.readNumber(VMCS_GUEST_RIP)).toBe(rig.at('behind'));
    expect(rig.core.monitor.armed).toBe(false);
  });
});
