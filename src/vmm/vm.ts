import type { StopReason } from '../cpu/stop.ts';
import { PortBus } from '../devices/portBus.ts';
import { HypervPartition } from './hypervPartition.ts';
import type { Vcpu } from './vcpu.ts';
import type { VirtualInterconnect } from './virtualInterconnect.ts';

/** A virtual machine: its memory, devices, vCPUs and how it ended. */
export class Vm {
  readonly id: number;
  /** Host-physical address of guest-physical 0, and size in bytes. */
  readonly base: number;
  readonly size: number;
  readonly eptp: number;
  readonly interconnect: VirtualInterconnect;
  readonly ports = new PortBus();
  readonly hyperv = new HypervPartition();
  readonly vcpus: Vcpu[] = [];
  /** The vCPU that a directed yield out of a PAUSE exit went to last: the next one begins behind it. */
  boostedLast = 0;
  /** VM exits by basic reason. */
  readonly exits = new Float64Array(64);
  /** How it ended; undefined while it runs. */
  ended: StopReason | undefined;
  /** The vCPU whose fault ended it, its registers saved; undefined when the guest ended by itself. */
  endedBy: Vcpu | undefined;

  constructor(id: number, base: number, size: number, eptp: number, interconnect: VirtualInterconnect) {
    this.id = id;
    this.base = base;
    this.size = size;
    this.eptp = eptp;
    this.interconnect = interconnect;
  }
}
