/**
 * Cores under a scheduler that the test controls: it can stop a core after any instruction, for as long as it likes, take interrupts and deliver
 * kicks early and late. The rig executes HLT and the kick hypercall itself, with a hypervisor's rules: a halted core goes on when a kick or an
 * interrupt comes, and a kick that comes before the HLT ends it at once.
 */
import { HYPERCALL_KICK_CPU } from '../../../src/arch/hypercalls.ts';
import { MARK_LOCK_TIMED_OUT } from '../../../src/arch/marks.ts';
import { GUEST_IMAGE_BASE } from '../../../src/arch/platform.ts';
import { GS, RAX, RCX, RSP } from '../../../src/arch/registers.ts';
import { RFLAGS_IF } from '../../../src/arch/rflags.ts';
import type { Assembled, Assembler } from '../../../src/asm/assembler.ts';
import type { Core } from '../../../src/cpu/core.ts';
import { BLOCKING_BY_STI, CORE_STATE_SIZE, I32_INTERRUPTIBILITY, I32_RFLAGS, U64_RIP, U64_SEGMENT_BASE } from '../../../src/cpu/state.ts';
import type { LockAlgorithm } from '../../../src/kernels/lib/locks/lock.ts';
import { PERCPU_SHIFT, PerCpu } from '../../../src/kernels/lib/percpu.ts';
import { DIRECT_ENTRY, prepareDirectEntry } from '../../../src/machine/directEntry.ts';
import { enterDirect } from '../../../src/machine/enterDirect.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { ivybridge } from '../../../src/machine/profiles/ivybridge.ts';
import { EVENT_MARK } from '../../../src/trace/events.ts';
import { freeWord } from './freeWord.ts';
import type { CoreRole, LockCase } from './lockCase.ts';
import { type LockName, lockProgram, SITES } from './lockProgram.ts';

const HLT = 0xf4;
const VMCALL = [0x0f, 0x01, 0xc1];
const IMAGE_END = 0x16_0000;
const STACKS = 0x40_0000;
const STACK_SIZE = 0x1000;
const MEMORY = 8 * 1024 ** 2;
export const MAX_CORES = 4;
/** Instructions of a turn once all take turns, and turns that all have by then: far more than any wait of the small parameters. */
const FAIR_TURN = 7;
const FAIR_ROUNDS = 6000;
/** `lock_try` waits for nothing: so many instructions are enough. */
const TRY_INSTRUCTIONS = 80;

type Step = 'begin' | 'in' | 'out' | 'free' | 'failed';
const TOLD: Readonly<Record<Step, string>> = {
  begin: 'wants',
  in: 'has',
  out: 'lets go of',
  free: 'has let go of',
  failed: 'does not get',
};

/** What the rig knows of one core. */
interface Standing {
  role: CoreRole | undefined;
  halted: boolean;
  kicked: boolean;
  done: boolean;
  inHandler: boolean;
  /** Instructions since it began to try; -1: it does not. */
  trying: number;
  /** Somebody else was busy with the lock while it tried. */
  disturbed: boolean;
  /** When it joined the line of each lock; -1: not in line. */
  joined: Record<LockName, number>;
}

export class LockRig {
  private readonly machine: Machine;
  private readonly program: Assembled;
  private readonly sites = new Map<number, { lock: LockName; step: Step; site: string }>();
  private readonly joins: ReadonlySet<number>;
  private readonly image: Uint8Array;
  private readonly states: Uint8Array;
  private readonly standing: Standing[] = [];
  private holders!: Record<LockName, number>;
  private busy!: Record<LockName, Set<number>>;
  private entries!: Record<LockName, number>;
  private timedOut!: Record<LockName, boolean>;
  private kicks: number[] = [];
  private sequence = 0;
  private violation: string | undefined;
  private tell: ((text: string) => void) | undefined;

  constructor(lock: LockAlgorithm, parameters: Readonly<Record<string, number>>, distort?: (a: Assembler) => Assembler) {
    this.program = lockProgram(lock, parameters, distort);
    this.machine = new Machine({
      profile: ivybridge,
      cores: MAX_CORES,
      memory: MEMORY,
      engine: 'reference',
      probe: { mask: 1 << EVENT_MARK, event: (_event, _core, _cycles, mark, rdi) => this.mark(mark, rdi) },
    });
    const { memory, cores } = this.machine;
    prepareDirectEntry(memory, 0, this.program.image, { cores: MAX_CORES, memory: MEMORY, tscHz: 1, seed: 0, commandLine: '' });
    for (const core of cores) {
      enterDirect(core, this.program.image.entry);
      const area = this.symbol('percpu_areas') + (core.id << PERCPU_SHIFT);
      core.state.u64[U64_SEGMENT_BASE + GS] = BigInt(area);
      memory.view.setBigUint64(area + PerCpu.self.offset, BigInt(area), true);
      memory.view.setUint32(area + PerCpu.number.offset, core.id, true);
      memory.view.setUint32(area + PerCpu.apicId.offset, core.id, true);
    }
    for (const [site, name] of Object.entries(SITES)) {
      for (const step of ['begin', 'in', 'out', 'free', 'failed'] as const) {
        const address = this.program.symbols.get(`${site}_${step}`);
        if (address !== undefined) this.sites.set(address, { lock: name, step, site });
      }
    }
    this.joins = joinsOf(this.program, lock.name);
    this.image = memory.bytes.slice(GUEST_IMAGE_BASE, IMAGE_END);
    if (this.imageEnd() > IMAGE_END) throw new Error('the program outgrew its place');
    this.states = this.stateBytes().slice();
  }

  private imageEnd(): number {
    return Math.max(...this.program.image.segments.map(({ address, memorySize }) => address + memorySize));
  }

  /** Bytes of the state blocks of all cores. */
  private stateBytes(): Uint8Array {
    return new Uint8Array(this.machine.cores[0]!.state.u64.buffer, 0, MAX_CORES * CORE_STATE_SIZE);
  }

  private symbol(name: string): number {
    const address = this.program.symbols.get(name);
    if (address === undefined) throw new Error(`no symbol ${name}`);
    return address;
  }

  /** What the run does wrong; undefined when nothing. @param tell is told what happens, a line each. */
  run(one: LockCase, tell?: (text: string) => void): string | undefined {
    this.tell = tell;
    this.reset(one);
    for (const decision of one.schedule) {
      this.decide(decision, one.cores.length);
      if (this.violation !== undefined) return this.violation;
    }
    this.tell?.('from here on all take turns');
    this.finish(one.cores.length);
    return this.violation ?? this.settled(one);
  }

  private reset({ cores, beforeWrap, lock }: LockCase): void {
    const { memory } = this.machine;
    memory.bytes.set(this.image, GUEST_IMAGE_BASE);
    this.stateBytes().set(this.states);
    if (beforeWrap >= 0) {
      const word = freeWord(lock, beforeWrap);
      for (const name of ['lock_a', 'lock_b']) memory.view.setBigUint64(this.symbol(name), word, true);
    }
    this.holders = { lock_a: -1, lock_b: -1 };
    this.busy = { lock_a: new Set(), lock_b: new Set() };
    this.entries = { lock_a: 0, lock_b: 0 };
    this.timedOut = { lock_a: false, lock_b: false };
    this.kicks = [];
    this.sequence = 0;
    this.violation = undefined;
    this.machine.cores.forEach((core, id) => {
      const role = cores[id];
      this.standing[id] = {
        role,
        halted: false,
        kicked: false,
        done: role === undefined,
        inHandler: false,
        trying: -1,
        disturbed: false,
        joined: { lock_a: -1, lock_b: -1 },
      };
      if (role === undefined) return;
      core.state.u64[U64_RIP] = BigInt(this.symbol(`role_${role.kind}`));
      core.state.u64[RSP] = BigInt(STACKS + (id + 1) * STACK_SIZE);
      core.state.u64[12] = BigInt(role.rounds);
      core.state.i32[I32_RFLAGS] = 2 | (role.masked ? 0 : RFLAGS_IF);
    });
  }

  private decide(decision: LockCase['schedule'][number], cores: number): void {
    if (decision[0] === 'kicks') {
      this.deliverKicks();
      return;
    }
    const core = this.machine.cores[decision[1] % cores]!;
    if (decision[0] === 'interrupt') {
      this.interrupt(core);
      return;
    }
    if (decision[0] === 'wake') {
      this.tell?.(`core ${core.id}: its HLT ends for no reason`);
      this.standing[core.id]!.halted = false;
      return;
    }
    this.tell?.(`core ${core.id} runs, ${decision[2]} instructions at most`);
    for (let i = 0; i < decision[2] && this.step(core); i++);
  }

  /** All take turns until they are done, or nothing goes on. */
  private finish(cores: number): void {
    for (let round = 0; round < FAIR_ROUNDS; round++) {
      this.deliverKicks();
      let alive = false;
      let ran = false;
      for (const core of this.machine.cores.slice(0, cores)) {
        for (let i = 0; i < FAIR_TURN && this.step(core); i++) ran = true;
        if (this.violation !== undefined) return;
        alive ||= !this.standing[core.id]!.done;
      }
      if (!alive) return;
      if (!ran && this.kicks.length === 0) {
        this.fail('lost wake-up: all that are not done are halted, and nobody will kick them');
        return;
      }
    }
    this.fail('no progress: some are still waiting though all run');
  }

  /** Everything is as it should be when all are done. */
  private settled({ cores }: LockCase): string | undefined {
    for (const [guard, lock] of [
      ['guard_a', 'lock_a'],
      ['guard_b', 'lock_b'],
    ] as const) {
      const counted = Number(this.machine.memory.view.getBigUint64(this.symbol(guard), true));
      if (counted !== this.entries[lock]) return `lost update: ${counted} of ${this.entries[lock]} under ${lock}`;
    }
    const core = this.machine.cores[0]!;
    const standing = this.standing[0]!;
    standing.done = false;
    core.state.u64[U64_RIP] = BigInt(this.symbol('final_try'));
    for (let i = 0; i < TRY_INSTRUCTIONS && this.step(core); i++);
    if (!standing.done) return 'lock_try waits';
    return core.state.u32[2 * RAX] === 1 || cores.length === 0 ? this.violation : 'the lock is not free though nobody holds it';
  }

  /** One instruction of the core. False when it is done or halted. */
  private step(core: Core): boolean {
    const standing = this.standing[core.id]!;
    if (standing.done || standing.halted || this.violation !== undefined) return false;
    const { rip } = core;
    this.arrive(core, rip);
    if (standing.done || this.violation !== undefined) return false;
    if (standing.trying >= 0 && ++standing.trying > TRY_INSTRUCTIONS && !standing.inHandler) return this.fail('lock_try waits');
    if (this.joins.has(rip)) this.join(core.id);
    const { bytes } = this.machine.memory;
    core.state.i32[I32_INTERRUPTIBILITY]! &= ~BLOCKING_BY_STI;
    if (bytes[rip] === HLT) return this.halt(core);
    if (VMCALL.every((byte, index) => bytes[rip + index] === byte)) {
      if (core.state.u64[RAX] !== BigInt(HYPERCALL_KICK_CPU)) return this.fail('a hypercall that is no kick');
      this.kicks.push(Number(core.state.u64[RCX]));
      core.state.u64[RAX] = 0n;
      core.state.u64[U64_RIP] = BigInt(rip + VMCALL.length);
      return true;
    }
    core.singleStep = true;
    core.horizon = Number.POSITIVE_INFINITY;
    core.attention = false;
    core.engine.run(core);
    if (core.stopped) return this.fail('the machine stopped');
    return true;
  }

  private halt(core: Core): boolean {
    const standing = this.standing[core.id]!;
    core.state.u64[U64_RIP] = core.state.u64[U64_RIP]! + 1n;
    if (!standing.kicked) standing.halted = true;
    this.tell?.(`core ${core.id} halts${standing.kicked ? ', and was kicked before' : ''}`);
    standing.kicked = false;
    return !standing.halted;
  }

  private deliverKicks(): void {
    for (const id of this.kicks.splice(0)) {
      const standing = this.standing[id];
      this.tell?.(`a kick arrives at core ${id}`);
      if (standing === undefined) this.fail('a kick for a core that is not there');
      else if (standing.halted) standing.halted = false;
      else standing.kicked = true;
    }
  }

  /** The core takes an interrupt, if interrupts are on. */
  private interrupt(core: Core): void {
    const standing = this.standing[core.id]!;
    const { u64, i32 } = core.state;
    const open = (i32[I32_RFLAGS]! & RFLAGS_IF) !== 0 && (i32[I32_INTERRUPTIBILITY]! & BLOCKING_BY_STI) === 0;
    if (standing.done || standing.inHandler || !open) return;
    this.tell?.(`core ${core.id} takes an interrupt`);
    standing.halted = false;
    standing.inHandler = true;
    const rsp = Number(u64[RSP]);
    let top = rsp - (rsp % 16);
    const { view } = this.machine.memory;
    for (const value of [
      BigInt(DIRECT_ENTRY.dataSelector),
      BigInt(rsp),
      BigInt(i32[I32_RFLAGS]! >>> 0),
      BigInt(DIRECT_ENTRY.codeSelector),
      u64[U64_RIP]!,
    ]) {
      top -= 8;
      view.setBigUint64(top, value, true);
    }
    u64[RSP] = BigInt(top);
    u64[U64_RIP] = BigInt(this.symbol('on_interrupt'));
    i32[I32_RFLAGS]! &= ~RFLAGS_IF;
  }

  /** The core is about to execute the instruction at `rip`. */
  private arrive(core: Core, rip: number): void {
    const standing = this.standing[core.id]!;
    if (rip === this.program.symbols.get('done')) {
      standing.done = true;
      return;
    }
    if (rip === this.program.symbols.get('begin_failure')) this.fail('the lock gave up');
    const at = this.sites.get(rip);
    if (at === undefined) return;
    const { lock, step, site } = at;
    this.tell?.(`core ${core.id} ${TOLD[step]} ${lock}`);
    const busy = this.busy[lock];
    if (step === 'begin') {
      for (const other of this.standing) if (other.trying >= 0 && other !== standing && lock === 'lock_a') other.disturbed = true;
      if (site === 'try') {
        standing.trying = 0;
        standing.disturbed = busy.size > 0;
      }
      busy.add(core.id);
    } else if (step === 'in') this.enter(core, lock, site);
    else if (step === 'out') this.holders[lock] = -1;
    else {
      busy.delete(core.id);
      if (busy.size === 0) this.timedOut[lock] = false;
      if (step === 'failed') {
        if (!standing.disturbed) this.fail('lock_try fails though nobody else is near the lock');
        standing.trying = -1;
      }
      if (site === 'handler') standing.inHandler = false;
    }
  }

  private enter(core: Core, lock: LockName, site: string): void {
    const standing = this.standing[core.id]!;
    standing.trying = -1;
    if (this.holders[lock] >= 0) this.fail(`mutual exclusion: cores ${this.holders[lock]} and ${core.id} hold ${lock}`);
    this.holders[lock] = core.id;
    this.entries[lock]++;
    const masked = standing.role!.masked || lock === 'lock_b';
    if (((core.state.i32[I32_RFLAGS]! & RFLAGS_IF) === 0) !== masked) this.fail(`${site}: RFLAGS.IF is not what it was`);
    const mine = standing.joined[lock];
    standing.joined[lock] = -1;
    if (mine < 0 || this.timedOut[lock]) return;
    const earlier = this.standing.findIndex((other) => other.joined[lock] >= 0 && other.joined[lock] < mine);
    if (earlier >= 0) this.fail(`order: core ${core.id} is served before core ${earlier}, which came first, and nobody has timed out`);
  }

  /** The core is about to execute the instruction by which it joins the line. */
  private join(id: number): void {
    const rdi = Number(this.machine.cores[id]!.state.u64[7]);
    for (const lock of ['lock_a', 'lock_b'] as const) {
      if (rdi === this.symbol(lock)) this.standing[id]!.joined[lock] = this.sequence++;
    }
  }

  private mark(mark: number, rdi: number): void {
    if (mark !== MARK_LOCK_TIMED_OUT) return;
    for (const lock of ['lock_a', 'lock_b'] as const) if (rdi === this.symbol(lock)) this.timedOut[lock] = true;
  }

  private fail(what: string): false {
    this.violation ??= what;
    return false;
  }
}

/** Locks that are given in order of arrival, and the instruction of `lock_acquire` by which a core joins the line. */
const JOINS: Readonly<Record<string, RegExp>> = {
  ticket: /^lock xadd/,
  'pv-ticket': /^lock xadd/,
  mcs: /^xchg edx, \[rdi\]/,
  preemptable: /^lock xadd/,
  'preemptable-v1': /^lock xadd/,
  'preemptable-v2': /^lock xadd/,
  'preemptable-v3': /^lock xadd/,
  'pv-preemptable': /^lock xadd/,
  qspinlock: /^xchg cx, \[rdi\+2\]/,
};

function joinsOf({ listing, symbols }: Assembled, lock: string): ReadonlySet<number> {
  const pattern = JOINS[lock];
  if (pattern === undefined) return new Set();
  const start = symbols.get('lock_acquire')!;
  const found = listing.find((line) => line.kind === 'instruction' && line.address >= start && pattern.test(line.text));
  if (found === undefined) throw new Error(`${lock}: no instruction ${pattern} joins the line`);
  return new Set([found.address]);
}
