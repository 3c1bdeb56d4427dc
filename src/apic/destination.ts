import { APIC_MODE_DISABLED, APIC_MODE_X2APIC } from './apicState.ts';
import { BROADCAST } from './interruptBus.ts';

/** Logical id of an x2APIC: cluster (id bits 19:4) above one bit of sixteen. SDM: Vol. 3, "Logical Destination Mode in x2APIC Mode". */
export const x2apicLogicalId = (id: number): number => ((id >>> 4) << 16) | (1 << (id & 15));

/** The DFR's model field (bits 31:28) in the flat model; all zeros select the cluster model. */
const MODEL_FLAT = 0xf;

/**
 * True iff an APIC in this mode, with this id, LDR and DFR, is a target of the destination address. Pure.
 *
 * Precondition: a broadcast is spelled BROADCAST, whoever sent it.
 * SDM: Vol. 3, "Determining IPI Destination"; "Logical Destination Mode".
 * Deviation: a DFR model other than flat and cluster, which is undefined, selects nothing but broadcasts.
 */
export function matchesDestination(mode: number, id: number, ldr: number, dfr: number, logical: boolean, destination: number): boolean {
  if (mode === APIC_MODE_DISABLED) return false;
  if (destination === BROADCAST) return true;
  if (!logical) return destination === id;
  if (mode === APIC_MODE_X2APIC) return destination >>> 16 === ldr >>> 16 && (destination & ldr & 0xffff) !== 0;
  const address = destination & 0xff;
  const logicalId = ldr >>> 24;
  switch (dfr >>> 28) {
    case MODEL_FLAT:
      return (address & logicalId) !== 0;
    case 0:
      return address >> 4 === logicalId >> 4 && (address & logicalId & 0xf) !== 0;
    default:
      return false;
  }
}
