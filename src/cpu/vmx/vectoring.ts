import { VECTOR_BP, VECTOR_NMI, VECTOR_OF } from '../../arch/vectors.ts';
import {
  INTERRUPTION_ERROR_CODE_VALID,
  INTERRUPTION_EXTERNAL,
  INTERRUPTION_HARDWARE_EXCEPTION,
  INTERRUPTION_NMI,
  INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION,
  INTERRUPTION_SOFTWARE_EXCEPTION,
  INTERRUPTION_SOFTWARE_INTERRUPT,
  INTERRUPTION_TYPE_SHIFT,
  INTERRUPTION_VALID,
} from '../../arch/vmxControls.ts';
import type { Core } from '../core.ts';
import type { EventOrigin } from '../events/delivery.ts';

/** Interruption information of an event: vector, type, whether it has an error code. SDM: Vol. 3, "Information for VM Exits That Occur During Event Delivery". */
export function interruptionInfo(vector: number, errorCode: number, origin: EventOrigin): number {
  let type: number;
  if (vector === VECTOR_NMI && (origin === 'external' || origin === 'exception')) type = INTERRUPTION_NMI;
  else if (origin === 'external') type = INTERRUPTION_EXTERNAL;
  else if (origin === 'exception' || origin === 'trap') type = INTERRUPTION_HARDWARE_EXCEPTION;
  else if (origin === 'privileged') type = INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION;
  else type = vector === VECTOR_BP || vector === VECTOR_OF ? INTERRUPTION_SOFTWARE_EXCEPTION : INTERRUPTION_SOFTWARE_INTERRUPT;
  return INTERRUPTION_VALID + (type << INTERRUPTION_TYPE_SHIFT) + vector + (errorCode >= 0 ? INTERRUPTION_ERROR_CODE_VALID : 0);
}

/** An event is being delivered to the guest: a VM exit on the way reports it. */
export function setVectoring(core: Core, vector: number, errorCode: number, origin: EventOrigin): void {
  if (!core.nonRoot) return;
  core.vmx.vectoringInfo = interruptionInfo(vector, errorCode, origin);
  core.vmx.vectoringErrorCode = Math.max(errorCode, 0);
}

/** The delivery is complete. */
export function clearVectoring(core: Core): void {
  core.vmx.vectoringInfo = 0;
}
