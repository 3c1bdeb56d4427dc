/** A scheduler that does what a list of decisions says, and takes turns when the list has come to its end. */
import type { Pcpu } from '../../../src/vmm/pcpu.ts';
import type { Placement } from '../../../src/vmm/placements/placement.ts';
import type { Scheduler, SchedulerKind } from '../../../src/vmm/schedulers/scheduler.ts';
import type { Vcpu } from '../../../src/vmm/vcpu.ts';
import { giveTo } from '../../../src/vmm/vcpuMove.ts';
import type { Turn } from './schemeCase.ts';

/** What comes between the decision and the guest's first instruction, roughly: switch and entry. */
const ENTRY_CYCLES = 3500;
const FAIR_TURN = 20_000;

/** Where the decisions come from. */
export interface Decisions {
  /** The core's next one; undefined: take turns. */
  next(core: number): Turn | undefined;
}

class ControlledScheduler implements Scheduler {
  private readonly pcpu: Pcpu;
  private readonly decisions: Decisions;
  private readonly queue: Vcpu[] = [];
  /** Where those came from that have run elsewhere. */
  private readonly origins = new Map<Vcpu, Pcpu>();
  private current: Vcpu | undefined;
  private until = 0;

  constructor(pcpu: Pcpu, decisions: Decisions) {
    this.pcpu = pcpu;
    this.decisions = decisions;
  }

  get load(): number {
    return this.queue.length;
  }

  get deadline(): number {
    return this.queue.length === 0 ? Number.POSITIVE_INFINITY : this.until;
  }

  enqueue(vcpu: Vcpu): void {
    if (this.queue.includes(vcpu)) return;
    this.queue.push(vcpu);
    if (vcpu.lastRan !== undefined && vcpu.lastRan !== this.pcpu) this.origins.set(vcpu, vcpu.lastRan);
  }

  remove(vcpu: Vcpu): void {
    const at = this.queue.indexOf(vcpu);
    if (at >= 0) this.queue.splice(at, 1);
    if (this.current === vcpu) {
      this.current = undefined;
      this.until = 0;
    }
  }

  /** Decisions are not to be influenced. */
  boost(): void {}

  yield(): void {
    this.until = 0;
  }

  spare(_now: number, mayLeave: (vcpu: Vcpu) => boolean): Vcpu | undefined {
    const vcpu = this.queue.find((waiting) => waiting !== this.current && mayLeave(waiting));
    if (vcpu !== undefined) this.remove(vcpu);
    return vcpu;
  }

  pick(now: number): Vcpu | undefined {
    if (now >= this.until) this.decide(now);
    return this.queue.length === 0 ? undefined : this.current;
  }

  private decide(now: number): void {
    while (this.queue.length > 0) {
      const turn = this.decisions.next(this.pcpu.id);
      if (turn === undefined) {
        this.current = this.queue.shift()!;
        this.queue.push(this.current);
        this.until = now + FAIR_TURN;
        return;
      }
      switch (turn[0]) {
        case 'run':
          this.current = this.queue[turn[1] % this.queue.length];
          this.until = now + ENTRY_CYCLES + turn[2];
          return;
        case 'rest':
          this.current = undefined;
          this.until = now + turn[1];
          return;
        case 'move': {
          const { pcpus } = this.pcpu.vmm;
          this.send(this.queue[turn[1] % this.queue.length], pcpus[turn[2] % pcpus.length]);
          break;
        }
        case 'back': {
          const visitors = this.queue.filter((vcpu) => this.origins.has(vcpu));
          const chosen = visitors[turn[1] % visitors.length];
          this.send(chosen, chosen && this.origins.get(chosen));
        }
      }
    }
  }

  private send(chosen: Vcpu | undefined, to: Pcpu | undefined): void {
    if (to !== undefined && to !== this.pcpu) giveTo(this.pcpu, to, (vcpu) => vcpu === chosen);
  }
}

/** vCPUs move when a decision says so. */
const controlledPlacement: Placement = {
  name: 'controlled',
  doc: 'for tests',
  moves: true,
  check: () => undefined,
  start: (_vm, vcpu, { cores }) => vcpu % cores,
  wake: (vcpu) => vcpu.home,
  idle() {},
  crowded() {},
  turned() {},
  mayMove: () => true,
};

export const controlledBy = (decisions: Decisions): SchedulerKind => ({
  name: 'controlled',
  doc: 'for tests',
  placements: [controlledPlacement],
  weighs: false,
  create: (pcpu) => new ControlledScheduler(pcpu, decisions),
});
