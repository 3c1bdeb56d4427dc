/** Prices the core charges for long operations, in cycles; `machine/profiles` fills them in and says where each comes from. */
export interface CoreCosts {
  readonly cpuid: number;
  readonly rdtsc: number;
  readonly msrAccess: number;
  /** An access to an x2APIC register by MSR, or to the xAPIC page. */
  readonly apicAccess: number;
  readonly portAccess: number;
  readonly controlRegisterWrite: number;
  readonly segmentLoad: number;
  /** Delivering an exception or interrupt through the IDT. */
  readonly eventDelivery: number;
  readonly iret: number;
  readonly systemCall: number;
  readonly systemReturn: number;
  readonly invlpg: number;
  readonly invpcid: number;
  readonly invvpid: number;
  /** Issuing INVLPGB, whatever number of pages; TLBSYNC when nothing is left to wait for. */
  readonly invlpgb: number;
  readonly tlbsync: number;
  /** Microcode that serves a remote action request, invalidations apart. */
  readonly remoteAction: number;
  readonly invept: number;
  readonly writeCr3: number;
  /** Leaving HLT. */
  readonly wake: number;
  readonly vmEntry: number;
  readonly vmExit: number;
}
