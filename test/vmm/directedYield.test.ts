import { describe, expect, test } from 'vitest';
import { EXIT_PAUSE, EXIT_VMCALL } from '../../src/arch/exitReasons.ts';
import { HYPERCALL_SCHED_YIELD } from '../../src/arch/hypercalls.ts';
import type { Assembler } from '../../src/asm/assembler.ts';
import { mem64 } from '../../src/asm/operand.ts';
import { eax, ebx, edx, esi, rax, rcx } from '../../src/asm/register.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { yieldOnSpin } from '../../src/vmm/directedYield.ts';
import type { Notice } from '../../src/vmm/notice.ts';
import { PLE_DEFAULTS } from '../../src/vmm/pauseLoop.ts';
import type { Pcpu } from '../../src/vmm/pcpu.ts';
import type { Vcpu, VcpuState } from '../../src/vmm/vcpu.ts';
import { VmmRig, type VmmRigOptions, WORDS } from './vmmRig.ts';

/** Time stamps of the VM, by word. */
const HELD = 0;
const SEEN = 1;
const LOCK = mem64(WORDS + 0x100);

function stamp(a: Assembler, word: number): void {
  a.rdtsc();
  a.mov(mem64(WORDS + word * 8), rax);
}

function hold(a: Assembler): void {
  a.mov(LOCK, 1);
  stamp(a, HELD);
  a.mov(rcx, 120_000);
  a.label('hold');
  a.dec(rcx);
  a.jnz('hold');
  a.mov(LOCK, 2);
  a.hlt();
}

/**
 * vCPU 0 of VM 0 holds a lock for longer than a slice, its vCPU 1 spins for it, and VM 1 wants the holder's core. What is reported is how long
 * after its taking the lock is seen free.
 */
function holderAndWaiter(a: Assembler): void {
  a.test(edx, edx);
  a.jnz('rival');
  a.test(esi, esi);
  a.jnz('waiter');
  hold(a);
  a.label('waiter');
  a.pause();
  a.cmp(LOCK, 2);
  a.jne('waiter');
  stamp(a, SEEN);
  a.hlt();
  rival(a);
}

/** VM 1: its vCPU 0 never stops, the other does nothing. */
function rival(a: Assembler): void {
  a.label('rival');
  a.test(esi, esi);
  a.jz('rival');
  a.hlt();
}

const SLICE = 200_000;
const contended: VmmRigOptions = { cores: 2, vms: 2, vcpus: 2, slice: SLICE };

/** Cycles from the taking of the lock until the waiter sees that it is free. */
function wait(options: VmmRigOptions): { readonly cycles: number; readonly pauses: number } {
  const rig = new VmmRig(holderAndWaiter, { ...contended, ...options }).run(12 * SLICE);
  return { cycles: rig.word(0, SEEN) - rig.word(0, HELD), pauses: rig.vmm.vms[0]!.exits[EXIT_PAUSE]! };
}

describe.each(ENGINES)('with the %s engine', (engine) => {
  test('a preempted lock holder runs next where it waits when a sibling spins for it', () => {
    const plain = wait({ engine });
    const helped = wait({ engine, pauseLoopExiting: PLE_DEFAULTS });
    expect(plain.pauses).toBe(0);
    expect(helped.pauses).toBeGreaterThan(0);
    // The holder computes for 1.2 slices. Without help it waits for a whole slice of the other VM besides.
    expect(plain.cycles).toBeGreaterThan(2.1 * SLICE);
    // The window has doubled with every exit before there was anybody to yield to, so help may be late; but it comes.
    expect(helped.cycles).toBeLessThan(1.9 * SLICE);
  });

  test('sched-yield does the same for a vCPU that is named', () => {
    const named = (a: Assembler): void => {
      a.test(edx, edx);
      a.jnz('rival');
      a.test(esi, esi);
      a.jnz('waiter');
      hold(a);
      a.label('waiter');
      a.mov(eax, HYPERCALL_SCHED_YIELD);
      a.xor(ebx, ebx);
      a.vmcall();
      a.cmp(LOCK, 2);
      a.jne('waiter');
      stamp(a, SEEN);
      a.hlt();
      rival(a);
    };
    const rig = new VmmRig(named, { ...contended, engine }).run(12 * SLICE);
    expect(rig.word(0, SEEN) - rig.word(0, HELD)).toBeLessThan(1.4 * SLICE);
    expect(rig.vmm.vms[0]!.exits[EXIT_VMCALL]).toBeGreaterThan(0);
  });
});

describe('whom a PAUSE exit yields to', () => {
  interface Sibling {
    readonly state: VcpuState;
    readonly kernel?: boolean;
    readonly pending?: number;
    readonly gaveWay?: boolean;
  }

  /** Numbers of the vCPUs that one exit after the other of vCPU 0 yields to; -1 for none. */
  function chosen(siblings: readonly Sibling[], exits: number): number[] {
    const vm = { boostedLast: 0, vcpus: [] as unknown[] };
    const boosted: number[] = [];
    const home = { notify: (_from: unknown, notice: Notice) => notice.kind === 'boost' && boosted.push(notice.vcpu.id) };
    vm.vcpus = [{ state: 'running' } as Sibling, ...siblings].map(({ state, kernel = true, pending = -1, gaveWay = false }, id) => ({
      vm,
      id,
      state,
      home,
      preemptedInKernel: kernel,
      pendingNmi: false,
      apic: { pending: () => pending },
      givesWay: gaveWay,
      passedOver: false,
    }));
    const pcpu = { core: { charge() {}, clock: 0 }, vmm: { costs: {} }, scheduler: { yield() {} } } as unknown as Pcpu;
    return Array.from({ length: exits }, () => (yieldOnSpin(pcpu, vm.vcpus[0] as Vcpu) ? boosted.at(-1)! : -1));
  }

  test('one after the other of those that wait for a core', () => {
    expect(chosen([{ state: 'runnable' }, { state: 'runnable' }, { state: 'runnable' }], 5)).toEqual([1, 2, 3, 1, 2]);
  });

  test('nobody who runs, is halted or has not started', () => {
    expect(chosen([{ state: 'running' }, { state: 'halted' }, { state: 'waitForSipi' }, { state: 'stopped' }], 2)).toEqual([-1, -1]);
  });

  test('nobody who was preempted in user mode, unless an interrupt waits for it', () => {
    const user = { state: 'runnable', kernel: false } as const;
    expect(chosen([user, { ...user, pending: 0xfb }], 2)).toEqual([2, 2]);
    expect(chosen([user], 1)).toEqual([-1]);
  });

  test('one that gave way in its own PAUSE exit only every second time', () => {
    const spinner = { state: 'runnable', gaveWay: true } as const;
    expect(chosen([spinner], 4)).toEqual([-1, 1, -1, 1]);
    expect(chosen([spinner, { state: 'runnable' }], 2)).toEqual([2, 1]);
  });
});
