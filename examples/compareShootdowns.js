// The main experiment in small: the same kernel in two overcommitted virtual machines, once with shootdowns by IPI and once by hypercall.
import { planRun, Session } from 'parapet';

for (const shootdown of ['ipi', 'shoot4u']) {
  const plan = planRun({
    guest: 'shootdown',
    params: { iterations: '10', think: '2000' },
    shootdown,
    cores: 2,
    vmm: { vms: 2, vcpus: 2, slice: { cycles: 100_000 } },
    seed: 1,
    append: '',
    maxCycles: Number.POSITIVE_INFINITY,
    checkTlb: false,
  });
  const session = new Session(plan, { serial() {}, probe: undefined });
  while (session.advance(1000));
  const { count, latencyCycles } = session.stats().shootdown;
  console.log(`${shootdown}: ${count} shootdowns, median ${latencyCycles.median} cycles, longest ${latencyCycles.max} cycles`);
}
