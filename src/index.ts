/**
 * The public names of the package. What is not listed here may change without notice.
 *
 * A run: `planRun` checks what is asked for, `Session` carries it out, `session.stats()` says what was measured. A guest of one's own: `assembler`
 * writes it, `Machine` runs it.
 */
export type { GuestImage, GuestSegment } from './arch/guestImage.ts';
export { type Assembler, assembler } from './asm/assembler.ts';
export { formatListing } from './asm/listing.ts';
export { at, mem, mem8, mem16, mem32, mem64 } from './asm/operand.ts';
export * as registers from './asm/register.ts';
export { addr } from './asm/symbolValue.ts';
export type { StopReason } from './cpu/stop.ts';
export { buildGuest, GUESTS, type GuestOptions } from './kernels/guests.ts';
export { multibootTour } from './kernels/multiboot/tour.ts';
export { type BootInformation, prepareDirectEntry } from './machine/directEntry.ts';
export { loadElf } from './machine/elf.ts';
export { enterDirect } from './machine/enterDirect.ts';
export { ImageError } from './machine/imageError.ts';
export { Machine, type MachineConfiguration } from './machine/machine.ts';
export type { Profile } from './machine/profiles/profile.ts';
export { PROFILES } from './machine/profiles/registry.ts';
export { type CatalogEntry, catalog } from './session/catalog.ts';
export { attachPlatformDevices } from './session/platformDevices.ts';
export type { RunOptions } from './session/runOptions.ts';
export { planRun, type RunPlan } from './session/runPlan.ts';
export { Session, type SessionObserver } from './session/session.ts';
export { UnusableInput } from './session/unusableInput.ts';
export { selectEvents } from './trace/eventSelection.ts';
export { EVENTS, type EventName } from './trace/events.ts';
export { combineProbes, noProbe, type Probe } from './trace/probe.ts';
export type { CoreStats, RunStats, VcpuStats } from './trace/runStats.ts';
export { createTraceWriter, openTrace } from './trace/traceSink.ts';
