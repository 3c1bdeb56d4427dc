/** Guests that are a compiled program on the full-weight kernel: their parameters become its arguments, `name=number` each. */
import { buildFwk } from '../fwk/fwk.ts';
import { KERNEL_PARAMETERS } from '../fwk/parameters.ts';
import type { GuestDefinition } from '../guest.ts';
import type { GuestOption, GuestParameter } from '../parameter.ts';
import { type ProgramName, program } from './programFile.ts';

/** The names of a program's figures (MARK_FIGURE), in the order of their numbers. */
export interface ProgramWorkload {
  readonly name: string;
  readonly doc: string;
  readonly program: ProgramName;
  readonly parameters: readonly GuestParameter[];
  readonly options?: readonly GuestOption[];
  readonly figures: readonly string[];
  /** Arguments of the program; absent: every parameter, as it is called. Raises: Error for a choice that makes no sense. */
  readonly args?: (parameters: Readonly<Record<string, number>>, options: Readonly<Record<string, string>>) => readonly string[];
}

export const THREADS: GuestParameter = { name: 'threads', default: 0, min: 0, max: 64, doc: 'threads; 0: one for each core' };
export const SEED: GuestParameter = { name: 'seed', default: 1, min: 0, max: 1_000_000_000, doc: 'seed of what is computed' };
/** So many of the program are started, each a process with an address space of its own. */
export const PROCESSES: GuestParameter = { name: 'processes', default: 1, min: 1, max: 32, doc: 'processes that run the program at once' };

export function programGuest(workload: ProgramWorkload): GuestDefinition {
  const { parameters } = workload;
  return {
    name: workload.name,
    doc: workload.doc,
    parameters: [...parameters, ...KERNEL_PARAMETERS],
    ...(workload.options === undefined ? {} : { options: workload.options }),
    minCores: 1,
    defaultCores: 4,
    figures: workload.figures,
    build(choices) {
      const args =
        workload.args?.(choices.parameters, choices.options) ??
        parameters.filter(({ name }) => name !== PROCESSES.name).map(({ name }) => `${name}=${choices.parameters[name]}`);
      const count = choices.parameters[PROCESSES.name] ?? 1;
      return buildFwk(
        choices,
        Array.from({ length: count }, () => ({ program: program(workload.program), args })),
      );
    },
  };
}
