/** The workloads: guests that are run for what they do to a kernel and a VMM, not for what they compute. */
import type { GuestDefinition } from '../guest.ts';
import { cpuBound } from './cpuBound.ts';
import { parsec } from './parsec.ts';
import { PROGRAM_GUESTS } from './programs.ts';

export const WORKLOADS: readonly GuestDefinition[] = [cpuBound, parsec, ...PROGRAM_GUESTS];
