import type { CostTable, Priced } from '../cost.ts';
import type { Profile } from './profile.ts';

/** Factors on some of the prices, by name. */
export type CostFactors = Readonly<Record<string, number>>;

/**
 * The profile with those prices multiplied, rounded to whole cycles and not below one where they were above zero; their sources say so.
 * Raises: RangeError for a price that there is not, or a factor that is negative or no number.
 */
export function scaledProfile(profile: Profile, factors: CostFactors): Profile {
  const costs: Record<string, Priced> = { ...profile.costs };
  for (const [name, factor] of Object.entries(factors)) {
    const price = Object.hasOwn(costs, name) ? costs[name] : undefined;
    if (price === undefined) throw new RangeError(`no price '${name}'; there is ${Object.keys(costs).join(', ')}`);
    if (!Number.isFinite(factor) || factor < 0) throw new RangeError(`${name}: ${factor} is not a factor of at least 0`);
    const cycles = factor === 0 || price.cycles === 0 ? 0 : Math.max(1, Math.round(price.cycles * factor));
    costs[name] = { cycles, source: `${price.source}; times ${factor}` };
  }
  return { ...profile, costs: costs as unknown as CostTable };
}
