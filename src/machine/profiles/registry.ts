import { PROCESSOR_FEATURES, type ProcessorFeature } from '../../arch/processorFeatures.ts';
import { ivybridge } from './ivybridge.ts';
import type { Profile } from './profile.ts';
import { sapphireRapids } from './sapphireRapids.ts';
import { skylake } from './skylake.ts';
import { zen3 } from './zen3.ts';

/** Machine profiles by name; the first is the default. */
export const PROFILES: ReadonlyMap<string, Profile> = new Map(
  [ivybridge, skylake, zen3, sapphireRapids].map((profile) => [profile.name, profile]),
);

/** The profile of that name, with the features that follow it behind a `+` each (`ivybridge+invlpgb`); undefined when there is none. */
export function profileNamed(name: string): Profile | undefined {
  const [base = '', ...wanted] = name.split('+');
  const profile = PROFILES.get(base);
  const features = wanted.filter((feature): feature is ProcessorFeature => PROCESSOR_FEATURES.some((known) => known === feature));
  if (profile === undefined || features.length < wanted.length) return undefined;
  if (features.length === 0) return profile;
  const all = new Set([...(profile.identity.features ?? []), ...features]);
  return { ...profile, name, doc: `${profile.doc}; with ${features.join(' and ')}`, identity: { ...profile.identity, features: [...all] } };
}
