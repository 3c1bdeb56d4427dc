/** Choices about the VMM, checked against each other. */
import type { PauseLoopExiting } from '../vmm/pauseLoop.ts';
import type { Placement, PlacementSize } from '../vmm/placements/placement.ts';
import type { SchedulerKind } from '../vmm/schedulers/scheduler.ts';
import { UnusableInput } from './unusableInput.ts';

/** What `--placement` can say; schedulers that do not leave the choice have others. */
const PLACEMENTS = ['pinned', 'floating'];
/** As Linux's control groups have it. */
const MAX_WEIGHT = 10_000;

/** @throws UnusableInput when the scheduler has no such placement, or it does not fit. */
export function planPlacement(scheduler: SchedulerKind, name: string | undefined, size: PlacementSize): Placement {
  const { placements } = scheduler;
  const placement = name === undefined ? placements[0]! : placements.find((known) => known.name === name);
  if (placement === undefined) {
    if (!PLACEMENTS.some((known) => known === name)) throw new UnusableInput(`no placement '${name}'; there is ${PLACEMENTS.join(', ')}`);
    throw new UnusableInput(
      `--placement: --scheduler ${scheduler.name} does not leave vCPUs ${name}; it has ${placements.map((each) => each.name).join(', ')}`,
    );
  }
  const misfit = placement.check(size);
  if (misfit !== undefined) throw new UnusableInput(`--scheduler ${scheduler.name} ${misfit}`);
  return placement;
}

/** @throws UnusableInput */
export function planWeights(weights: readonly number[] | undefined, vms: number, scheduler: SchedulerKind): readonly number[] | undefined {
  if (weights === undefined) return undefined;
  if (!scheduler.weighs)
    throw new UnusableInput(`--weights: --scheduler ${scheduler.name} gives every vCPU the same; fair and balance weigh`);
  if (weights.length !== vms) throw new UnusableInput(`--weights: ${weights.length} weights for ${vms} VMs`);
  const bad = weights.find((weight) => !Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT);
  if (bad !== undefined) throw new UnusableInput(`--weights: ${bad} is not a whole number from 1 to ${MAX_WEIGHT}`);
  return weights;
}

/** Gap and window are 32-bit fields of the VMCS. A window no longer than the gap would never find a loop of two PAUSEs. */
export function planPauseLoopExiting(asked: PauseLoopExiting | undefined): PauseLoopExiting | undefined {
  if (asked === undefined) return undefined;
  const { gap, window } = asked;
  if (![gap, window].every((cycles) => Number.isInteger(cycles) && cycles >= 1 && cycles < 2 ** 32))
    throw new UnusableInput('--ple: gap and window are whole numbers of cycles from 1 to 4294967295');
  if (window <= gap) throw new UnusableInput(`--ple: a window of ${window} cycles is no longer than the gap of ${gap}`);
  return { gap, window };
}
