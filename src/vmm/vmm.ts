import { APIC_LVT_TIMER, APIC_SVR, APIC_SVR_ENABLE } from '../arch/apicRegisters.ts';
import { CR4_VMXE } from '../arch/controlRegisters.ts';
import type { GuestImage } from '../arch/guestImage.ts';
import type { Shoot4uPolicy } from '../arch/hypercalls.ts';
import { APIC_BASE_BSP, APIC_BASE_ENABLE, APIC_BASE_X2APIC } from '../arch/msr.ts';
import { PAGE_2M } from '../arch/paging.ts';
import { CpuidTable } from '../cpu/cpuid.ts';
import { ACTIVITY_ACTIVE } from '../cpu/state.ts';
import type { StopReason } from '../cpu/stop.ts';
import { Vmcs } from '../cpu/vmx/vmcs.ts';
import type { Costs } from '../machine/cost.ts';
import { type BootInformation, prepareDirectEntry } from '../machine/directEntry.ts';
import { loadSegments } from '../machine/loadSegments.ts';
import type { Machine } from '../machine/machine.ts';
import type { MultibootMemory } from '../machine/multibootInformation.ts';
import { Random } from '../machine/random.ts';
import { EVENT_VIRTUAL_INTERRUPT } from '../trace/events.ts';
import {
  fillMsrBitmap,
  keepHalted,
  setupControls,
  setupDirectEntry,
  setupMultibootEntry,
  setupPauseLoopExiting,
  setupStartup,
} from './guestSetup.ts';
import { HostPages } from './hostPages.ts';
import { VECTOR_HOST_TIMER } from './hostVectors.ts';
import { HYPERCALLS } from './hypercalls/registry.ts';
import { isInterruptible } from './injection.ts';
import { LoadBoard } from './loadBoard.ts';
import { buildEpt, eptPages } from './nestedPaging.ts';
import type { PauseLoopExiting } from './pauseLoop.ts';
import { Pcpu } from './pcpu.ts';
import type { Placement, PlacementSize } from './placements/placement.ts';
import { rowCount, rows } from './placements/rows.ts';
import { REMOTE_FLUSH_PAGES, RemoteFlushes } from './remoteFlushes.ts';
import { USUAL_WEIGHT } from './schedulers/fair.ts';
import type { SchedulerKind } from './schedulers/scheduler.ts';
import { saveVcpu } from './switch.ts';
import { Vcpu } from './vcpu.ts';
import { VirtualInterconnect, type VirtualReceiver } from './virtualInterconnect.ts';
import { Vm } from './vm.ts';

export interface VmmConfiguration {
  readonly vms: number;
  /** vCPUs of each VM. */
  readonly vcpus: number;
  /** Bytes of each VM's memory, a multiple of 2 MB. */
  readonly vmMemory: number;
  readonly scheduler: SchedulerKind;
  /** One of the scheduler's; absent: its first. */
  readonly placement?: Placement | undefined;
  /** Weights of the VMs' vCPUs, by VM; absent: all the same. */
  readonly weights?: readonly number[] | undefined;
  /** Slice in cycles. */
  readonly slice: number;
  readonly seed: number;
  /** How Shoot4U's hypercall is served; `mode2` by default. */
  readonly shoot4u?: Shoot4uPolicy;
  /** Undefined: guests may spin as long as they like. */
  readonly pauseLoopExiting?: PauseLoopExiting | undefined;
  /** The machine stops when all VMs have ended, or when the first has, whatever the others do. Absent: all. */
  readonly endsWith?: 'all' | 'first';
  /** False: a halted vCPU keeps its core. Absent: halting gives it away. */
  readonly haltExits?: boolean | undefined;
  /** The same for all VMs but the first. Absent: as for the first. */
  readonly neighboursHaltExits?: boolean | undefined;
}

/** LVT timer entry in TSC-deadline mode. */
const TSC_DEADLINE_MODE = 2 << 17;

/**
 * The virtual machine monitor: VMs, their vCPUs, and the physical cores it runs them on. vCPU i of every VM lives on core i modulo the number of
 * cores.
 */
export class Vmm implements VirtualReceiver {
  readonly machine: Machine;
  readonly costs: Costs;
  readonly configuration: VmmConfiguration;
  /** What guests see of the processor: one package of as many cores as the VM has vCPUs. */
  readonly cpuid: CpuidTable;
  readonly hypercalls = HYPERCALLS;
  /** On processors with remote action requests. */
  readonly remoteFlushes: RemoteFlushes | undefined;
  readonly vms: readonly Vm[];
  readonly pcpus: readonly Pcpu[];
  readonly placement: Placement;
  readonly size: PlacementSize;
  /** Lengths of the run queues, as cores tell each other; and of those by row, under `gang`. */
  readonly loads: LoadBoard;
  readonly rowLoads: readonly LoadBoard[];
  /** The core whose guest is accessing a device or its APIC right now: what it causes is charged there. */
  writing: Pcpu;

  constructor(machine: Machine, configuration: VmmConfiguration) {
    const { profile, cores } = machine.configuration;
    this.machine = machine;
    this.costs = machine.costs;
    this.configuration = configuration;
    this.cpuid = new CpuidTable(profile.identity, profile.frequencyHz, configuration.vcpus);
    this.pcpus = machine.cores.map((core) => new Pcpu(core, this));
    this.writing = this.pcpus[0]!;
    this.size = { cores, vms: configuration.vms, vcpus: configuration.vcpus };
    this.placement = configuration.placement ?? configuration.scheduler.placements[0]!;
    const misfit = this.placement.check(this.size);
    if (misfit !== undefined) throw new RangeError(`placement ${this.placement.name} ${misfit}`);
    this.loads = new LoadBoard(cores, this.costs.ipiLatency);
    const boards = this.placement === rows ? rowCount(this.size) : 0;
    this.rowLoads = Array.from({ length: boards }, () => new LoadBoard(cores, this.costs.ipiLatency));

    const reserve = vmmReserve(configuration);
    const pages = new HostPages(machine.memory, 4096, reserve);
    const msrBitmap = pages.allocate();
    fillMsrBitmap(machine.memory, msrBitmap);
    this.vms = Array.from({ length: configuration.vms }, (_, id) => {
      const base = reserve + id * configuration.vmMemory;
      const eptp = buildEpt(machine.memory, pages, base, configuration.vmMemory);
      const { haltExits: ofFirst = true, neighboursHaltExits = ofFirst } = configuration;
      const haltExits = id === 0 ? ofFirst : neighboursHaltExits;
      const vm = new Vm(id, base, configuration.vmMemory, eptp, new VirtualInterconnect(this));
      for (let vcpuId = 0; vcpuId < configuration.vcpus; vcpuId++) {
        const vmcs = new Vmcs(machine.memory.bytes, pages.allocate());
        vmcs.clear();
        const home = this.pcpus[this.placement.start(id, vcpuId, this.size)]!;
        const vpid = 1 + id * configuration.vcpus + vcpuId;
        const vcpu = new Vcpu(vm, vcpuId, vpid, vmcs, home, profile.frequencyHz / 100_000_000);
        vcpu.weight = configuration.weights?.[id] ?? USUAL_WEIGHT;
        setupControls(vcpu, msrBitmap);
        if (!haltExits) keepHalted(vcpu);
        if (configuration.pauseLoopExiting !== undefined) setupPauseLoopExiting(vcpu, configuration.pauseLoopExiting);
        // APIC ids follow the vCPU; only the first is a bootstrap processor.
        if (vcpuId !== 0) vcpu.apic.writeBase(vcpu.apic.base - (vcpu.apic.base & APIC_BASE_BSP));
        vm.vcpus.push(vcpu);
        home.residents.add(vcpu);
      }
      vm.interconnect.vcpus = vm.vcpus;
      return vm;
    });
    this.startCores();
    if (profile.identity.features?.includes('rar')) this.remoteFlushes = new RemoteFlushes(pages, this.pcpus);
  }

  /** Every core is in VMX root operation with its local APIC in x2APIC mode, under its scheduler. */
  private startCores(): void {
    const { scheduler, slice, seed } = this.configuration;
    const random = new Random(seed);
    for (const pcpu of this.pcpus) {
      const { core } = pcpu;
      pcpu.scheduler = scheduler.create(pcpu, { slice, firstSlice: Math.ceil(slice * random.fraction()) });
      core.host = pcpu;
      core.vmx.cr4Allowed = CR4_VMXE;
      core.setActivity(ACTIVITY_ACTIVE);
      core.apic.writeBase(
        core.apic.base - (core.apic.base & 0xfff) + ((core.apic.base & APIC_BASE_BSP) | APIC_BASE_ENABLE | APIC_BASE_X2APIC),
      );
      core.apic.write(APIC_SVR, APIC_SVR_ENABLE | 0xff);
      core.apic.write(APIC_LVT_TIMER, TSC_DEADLINE_MODE | VECTOR_HOST_TIMER);
    }
  }

  /** Those VMs have the image in their memory, and their first vCPUs are at the entry point. */
  load(image: GuestImage, information: Omit<BootInformation, 'cores' | 'memory'>, vms: readonly Vm[] = this.vms): void {
    for (const vm of vms) {
      const { vcpus, vmMemory } = this.configuration;
      // VMs differ in their seeds, as two machines would.
      const seed = information.seed + vm.id * 0x9e37;
      prepareDirectEntry(this.machine.memory, vm.base, image, { ...information, seed, cores: vcpus, memory: vmMemory });
      const first = vm.vcpus[0]!;
      setupDirectEntry(first, image.entry);
      first.home.notify(first.home, { kind: 'changed', vcpu: first });
    }
  }

  /** Those VMs have the Multiboot kernel, and their first vCPUs are about to enter it. */
  loadMultiboot(entry: number, kernel: MultibootMemory, vms: readonly Vm[] = this.vms): void {
    for (const vm of vms) {
      loadSegments(this.machine.memory, vm.base, kernel.segments, this.configuration.vmMemory);
      const first = vm.vcpus[0]!;
      setupMultibootEntry(first, entry, kernel);
      first.home.notify(first.home, { kind: 'changed', vcpu: first });
    }
  }

  /** A virtual NMI is pending; it wakes a halted vCPU whatever RFLAGS.IF says. */
  nonMaskable(target: Vcpu): void {
    if (target.state === 'stopped' || target.state === 'waitForSipi') return;
    target.pendingNmi = true;
    this.show(target);
  }

  posted(target: Vcpu, vector: number, source: number): void {
    const from = this.writing;
    const { probe, clock, id } = from.core;
    if (probe.mask & (1 << EVENT_VIRTUAL_INTERRUPT))
      probe.event(EVENT_VIRTUAL_INTERRUPT, id, clock, target.vm.id, target.id, vector, source);
    this.show(target);
  }

  /** A vCPU that has something pending wakes if it is halted, and looks up if it runs on another core. */
  private show(target: Vcpu): void {
    const from = this.writing;
    if (target.state === 'halted') this.wakeIfPending(target, from);
    else if (target.state === 'running' && target.home !== from && target.home.core.nonRoot) target.home.reschedule(from);
  }

  /** A halted vCPU with a deliverable interrupt becomes runnable. */
  wakeIfPending(vcpu: Vcpu, from: Pcpu): void {
    if (vcpu.state === 'halted' && isInterruptible(vcpu)) this.wake(vcpu, from);
  }

  /** A halted vCPU runs again, interrupt or not; one that is not halted goes through its next HLT, so that a kick just before it is not lost. */
  kick(vcpu: Vcpu, from: Pcpu): void {
    if (vcpu.state === 'halted') this.wake(vcpu, from);
    else if (vcpu.state === 'running' || vcpu.state === 'runnable') vcpu.kicked = true;
  }

  private wake(vcpu: Vcpu, from: Pcpu): void {
    from.core.charge(this.costs.vcpuWake);
    vcpu.enterState('runnable', from.core.clock);
    // One whose registers are still on its core stays there.
    if (vcpu.home.current !== vcpu) vcpu.home = this.placement.wake(vcpu, from);
    vcpu.home.notify(from, { kind: 'changed', vcpu });
  }

  /** INIT: the vCPU waits for STARTUP, wherever it was. */
  init(target: Vcpu): void {
    const from = this.writing;
    if (target.state === 'stopped') return;
    const wasQueued = target.state === 'running' || target.state === 'runnable';
    target.enterState('waitForSipi', from.core.clock);
    target.apic.init();
    target.reinject = 0;
    target.pendingNmi = false;
    target.kicked = false;
    target.pendingStartup = -1;
    if (wasQueued) target.home.notify(from, { kind: 'changed', vcpu: target });
  }

  /** STARTUP counts once after an INIT. What the vCPU did until then may still be on its core: then it starts when that has left. */
  startup(target: Vcpu, vector: number): void {
    if (target.state !== 'waitForSipi' || target.pendingStartup >= 0) return;
    target.pendingStartup = vector;
    if (target.home.current !== target) this.start(target, this.writing);
  }

  /** The vCPU, which is on no core, starts in real mode if a STARTUP has come. */
  start(vcpu: Vcpu, from: Pcpu): void {
    if (vcpu.state !== 'waitForSipi' || vcpu.pendingStartup < 0) return;
    setupStartup(vcpu, vcpu.pendingStartup);
    vcpu.pendingStartup = -1;
    this.wake(vcpu, from);
  }

  /**
   * The VM has ended; when it was the one that the run waits for, or the last, so has the machine. The machine's reason is that of the first of the
   * ended VMs that did not power off.
   */
  endVm(vm: Vm, reason: StopReason, from: Pcpu): void {
    if (vm.ended !== undefined) return;
    vm.ended = reason;
    for (const vcpu of vm.vcpus) {
      const wasQueued = vcpu.state === 'running' || vcpu.state === 'runnable';
      vcpu.enterState('stopped', from.core.clock);
      if (wasQueued) vcpu.home.notify(from, { kind: 'changed', vcpu });
    }
    const { endsWith = 'all' } = this.configuration;
    const over = endsWith === 'first' ? vm === this.vms[0] : this.vms.every((other) => other.ended !== undefined);
    if (!over) return;
    const failure = this.vms.find((other) => other.ended !== undefined && other.ended.kind !== 'power-off');
    this.machine.stop((failure ?? vm).ended!);
  }

  /** A vCPU that is current on `from` cannot go on, and its VM with it. Its registers are in its record and its VMCS. */
  endByFault(vcpu: Vcpu, reason: StopReason, from: Pcpu): void {
    if (vcpu.vm.ended !== undefined) return;
    saveVcpu(from.core, vcpu);
    vcpu.vm.endedBy = vcpu;
    this.endVm(vcpu.vm, reason, from);
  }

  /** Accounts of every vCPU are complete up to the time of the machine. */
  settle(): void {
    const { time } = this.machine;
    for (const vm of this.vms) for (const vcpu of vm.vcpus) vcpu.settle(time);
  }
}

/** Host memory below the VMs that the VMM keeps for itself: bytes, a multiple of 2 MB. */
export function vmmReserve({ vms, vcpus, vmMemory }: Pick<VmmConfiguration, 'vms' | 'vcpus' | 'vmMemory'>): number {
  const pages = 2 + REMOTE_FLUSH_PAGES + vms * (vcpus + eptPages(vmMemory));
  return Math.ceil((pages * 4096) / PAGE_2M) * PAGE_2M;
}
