import { formatExitReason } from '../arch/exitReasons.ts';
import { COUNTER_BUSY_CYCLES, COUNTER_IDLE_CYCLES, COUNTER_IPIS_DELIVERED, COUNTER_IPIS_SENT } from '../trace/counters.ts';
import { addCpuTimes } from '../trace/cpuTime.ts';
import { INVALIDATION_NAMES } from '../trace/events.ts';
import type { CoreStats, RunStats, VcpuStats, VmStats } from '../trace/runStats.ts';
import type { Vm } from '../vmm/vm.ts';
import type { Session } from './session.ts';

/** Of a vCPU that never ran. */
const NO_TIME = addCpuTimes([]);

/** Everything a run has measured: a function of image, configuration and seed. */
export function measure(session: Session): Omit<RunStats, 'exitStatus'> {
  const { plan, machine, recorder } = session;
  const total = (counter: number): number => machine.cores.reduce((sum, core) => sum + core.state.counters[counter]!, 0);
  const cycles = machine.time;
  const { count, ...latencyCycles } = recorder.summary();
  const cores = coreStats(session);
  const virtual = vcpus(session);
  return {
    guest: plan.guest,
    engine: plan.engine,
    seed: plan.seed,
    instructions: session.instructions,
    cycles,
    seconds: machine.seconds(cycles),
    shootdown: { scheme: plan.scheme?.name ?? null, count, latencyCycles },
    locks: { algorithm: plan.lock ?? null, ...session.lockRecorder.stats() },
    vmExits: vmExits(session.vmm?.vms ?? []),
    ipis: { sent: total(COUNTER_IPIS_SENT), delivered: total(COUNTER_IPIS_DELIVERED) },
    invalidations: invalidations(session),
    cpuTime: addCpuTimes(session.vmm === undefined ? cores.map((core) => core.cpuTime!) : virtual.map((vcpu) => vcpu.cpuTime)),
    cores,
    vms: vms(session),
    vcpus: virtual,
  };
}

function coreStats({ machine, vmm, cpuTime }: Session): CoreStats[] {
  const now = machine.time;
  return machine.cores.map(({ id, state, clock }): CoreStats => {
    // A core that was idle to the end has not been told how late it is.
    const idleToEnd = now - clock;
    const cycles = { busyCycles: state.counters[COUNTER_BUSY_CYCLES]!, idleCycles: state.counters[COUNTER_IDLE_CYCLES]! + idleToEnd };
    return vmm === undefined ? { ...cycles, cpuTime: cpuTime.ofCore(id, now) } : cycles;
  });
}

function vms({ plan, vmm, recorder }: Session): VmStats[] {
  return (vmm?.vms ?? []).map((vm): VmStats => {
    const { count, ...latencyCycles } = recorder.summaryOfVm(vm.id);
    const guest = vm.id === 0 ? plan.guest : (plan.virtual?.coGuest?.guest ?? plan.guest);
    return { vm: vm.id, guest, shootdown: { count, latencyCycles }, vmExits: vmExits([vm]) };
  });
}

/** By reason, of these VMs together. */
function vmExits(vms: readonly Vm[]): Record<string, number> {
  const exits: Record<string, number> = {};
  for (const vm of vms) {
    vm.exits.forEach((count, reason) => {
      if (count > 0) exits[formatExitReason(reason)] = (exits[formatExitReason(reason)] ?? 0) + count;
    });
  }
  return sorted(exits);
}

function invalidations({ machine }: Session): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { mmu } of machine.cores) {
    INVALIDATION_NAMES.forEach((name, operation) => {
      const count = mmu.invalidations[operation] ?? 0;
      if (count > 0) counts[name] = (counts[name] ?? 0) + count;
    });
  }
  return sorted(counts);
}

function vcpus({ machine, vmm, recorder, cpuTime }: Session): VcpuStats[] {
  if (vmm === undefined) return [];
  vmm.settle();
  const spins = new Map(recorder.vcpuSpinCycles().map(({ vm, vcpu, cycles }) => [`${vm}.${vcpu}`, cycles]));
  const times = new Map(cpuTime.ofVcpus((core) => machine.cores[core]!.clock).map(({ vm, vcpu, time }) => [`${vm}.${vcpu}`, time]));
  return vmm.vms.flatMap((vm) =>
    vm.vcpus.map(({ id, runCycles, stealCycles, haltCycles, offlineCycles }) => ({
      vm: vm.id,
      id,
      cpuTime: { ...(times.get(`${vm.id}.${id}`) ?? NO_TIME), idleCycles: haltCycles },
      runCycles,
      stealCycles,
      spinCycles: spins.get(`${vm.id}.${id}`) ?? 0,
      haltCycles,
      offlineCycles,
    })),
  );
}

const sorted = (record: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
