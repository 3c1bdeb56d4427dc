import { ivybridge } from './ivybridge.ts';
import type { Profile } from './profile.ts';
import { skylake } from './skylake.ts';

/** Machine profiles by name; the first is the default. */
export const PROFILES: ReadonlyMap<string, Profile> = new Map([ivybridge, skylake].map((profile) => [profile.name, profile]));
