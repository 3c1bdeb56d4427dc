import type { Pcpu } from '../pcpu.ts';
import { rowCount, rowOf, rows } from '../placements/rows.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Scheduler, SchedulerKind, SchedulerOptions } from './scheduler.ts';

/** The core that decides for all. */
const LEADER = 0;
/** Word to the leader: the row that runs has nobody left who would. Other words are rows: run this one. */
const ROW_IS_EMPTY = -1;

/**
 * Strict co-scheduling: a row of VMs has all its cores for a slice, then the next row that wants to run has them. The core of a vCPU that is halted is idle
 * meanwhile.
 *
 * Core 0 leads: at the end of a slice it tells all cores by host IPI which row is next, so they switch within a message latency and what each is just
 * doing in host mode. A core that finds its row empty everywhere says so to the leader, which then does not wait for the end of the slice.
 * What cores know of each other is on load boards, one a row.
 */
class Gang implements Scheduler {
  private readonly pcpu: Pcpu;
  private readonly slice: number;
  private readonly rowCount: number;
  /** Runnable vCPUs on this core, of whatever row: at most one each. */
  private readonly queue: Vcpu[] = [];
  private row = 0;
  /** The leader's: end of the slice of the row that runs. */
  private sliceEnd: number;
  /** When an idle core looks once more whether its row is empty: then it has heard of everybody who became idle with it. Infinity: it need not. */
  private lookAgain = Number.POSITIVE_INFINITY;
  private wasIdle = false;

  constructor(pcpu: Pcpu, { slice, firstSlice }: SchedulerOptions) {
    this.pcpu = pcpu;
    this.slice = slice;
    this.rowCount = rowCount(pcpu.vmm.size);
    this.sliceEnd = this.leads ? firstSlice : Number.POSITIVE_INFINITY;
  }

  private get leads(): boolean {
    return this.pcpu.id === LEADER;
  }

  get load(): number {
    return this.queue.length;
  }

  enqueue(vcpu: Vcpu, now: number): void {
    if (this.queue.includes(vcpu)) return;
    this.queue.push(vcpu);
    this.post(vcpu, now);
  }

  remove(vcpu: Vcpu, now: number): void {
    const at = this.queue.indexOf(vcpu);
    if (at < 0) return;
    this.queue.splice(at, 1);
    this.post(vcpu, now);
  }

  /** Siblings run together as it is. */
  boost(): void {}
  yield(): void {}

  spare(): undefined {}

  pick(now: number): Vcpu | undefined {
    if (this.leads && now >= this.sliceEnd) this.lead(now);
    let mine = this.ofRow();
    if (mine !== undefined || this.rowCount === 1) {
      this.wasIdle = false;
      this.lookAgain = Number.POSITIVE_INFINITY;
      return mine;
    }
    if (!this.wasIdle) this.lookAgain = now + this.pcpu.vmm.costs.ipiLatency + 1;
    else if (now >= this.lookAgain) this.lookAgain = Number.POSITIVE_INFINITY;
    this.wasIdle = true;
    if (this.wants(this.row, now) || !this.anyOtherWants(now)) return undefined;
    if (this.leads) {
      this.lead(now);
      mine = this.ofRow();
    } else this.pcpu.vmm.pcpus[LEADER]!.notify(this.pcpu, { kind: 'word', word: ROW_IS_EMPTY });
    return mine;
  }

  get deadline(): number {
    return Math.min(this.rowCount > 1 ? this.sliceEnd : Number.POSITIVE_INFINITY, this.lookAgain);
  }

  told(word: number, now: number): void {
    if (word !== ROW_IS_EMPTY) this.run(word);
    else if (!this.wants(this.row, now)) this.sliceEnd = now;
  }

  /** The leader gives the cores to the next row that wants them; to the present one if no other does. */
  private lead(now: number): void {
    this.sliceEnd = now + this.slice;
    for (let step = 1; step < this.rowCount; step++) {
      const row = (this.row + step) % this.rowCount;
      if (!this.wants(row, now)) continue;
      for (const other of this.pcpu.vmm.pcpus) if (other !== this.pcpu) other.notify(this.pcpu, { kind: 'word', word: row });
      this.run(row);
      return;
    }
  }

  private run(row: number): void {
    this.row = row;
    this.wasIdle = false;
  }

  /** The vCPU of the row that runs. */
  private ofRow(): Vcpu | undefined {
    return this.queue.find((vcpu) => rowOf(vcpu.vm.id, this.pcpu.vmm.size) === this.row);
  }

  private wants(row: number, now: number): boolean {
    const { vmm, id } = this.pcpu;
    return vmm.pcpus.some((other) => vmm.rowLoads[row]!.seen(other.id, id, now) > 0);
  }

  private anyOtherWants(now: number): boolean {
    for (let row = 0; row < this.rowCount; row++) if (row !== this.row && this.wants(row, now)) return true;
    return false;
  }

  private post(vcpu: Vcpu, now: number): void {
    const { vmm, id } = this.pcpu;
    const row = rowOf(vcpu.vm.id, vmm.size);
    vmm.rowLoads[row]!.post(id, now, this.queue.filter((each) => rowOf(each.vm.id, vmm.size) === row).length);
  }
}

export const gang: SchedulerKind = {
  name: 'gang',
  doc: 'strict co-scheduling: all vCPUs of a VM have their cores at the same time, for one slice; cores of halted ones are idle',
  placements: [rows],
  weighs: false,
  create: (pcpu, options) => new Gang(pcpu, options),
};
