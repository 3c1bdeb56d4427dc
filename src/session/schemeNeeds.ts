/** What a shootdown scheme cannot do without, held against the run it is asked for. */
import type { SchemeNeeds, ShootdownScheme } from '../kernels/lib/shootdown/shootdown.ts';
import type { Profile } from '../machine/profiles/profile.ts';
import { UnusableInput } from './unusableInput.ts';

/** The run has what the scheme needs. Raises: UnusableInput that says what is missing. */
export function checkNeeds({ name, needs = {} }: ShootdownScheme, hasHypervisor: boolean, profile: Profile): void {
  if (needs.hypervisor && !hasHypervisor) throw new UnusableInput(`--shootdown ${name} needs a hypervisor: give --vms or --vcpus, too`);
  const { processor } = needs;
  if (processor !== undefined && !profile.identity.features?.includes(processor))
    throw new UnusableInput(
      `--shootdown ${name} needs a processor with ${processor.toUpperCase()}: give --profile ${profile.name}+${processor}, say`,
    );
}

/** The same as the end of a line of documentation. */
export function needsText(needs: SchemeNeeds | undefined): string {
  const texts = [
    needs?.hypervisor ? 'a hypervisor' : [],
    needs?.processor ? `a processor with ${needs.processor.toUpperCase()}` : [],
  ].flat();
  return texts.length === 0 ? '' : `; needs ${texts.join(' and ')}`;
}
