/** Puts a kernel together: boot code, the chosen lock algorithm, the scenario; and assembles it. */
import { GUEST_IMAGE_BASE } from '../../arch/platform.ts';
import { type Assembled, type Assembler, assembler } from '../../asm/assembler.ts';
import { boot } from './boot.ts';
import type { ChosenLock } from './locks/lock.ts';

/** @param scenario writes `main` and includes the parts it needs. */
export function buildKernel(lock: ChosenLock, scenario: (a: Assembler) => void): Assembled {
  const a = assembler();
  // Data on pages of their own: a store to a page that holds code makes a processor fetch, and an emulator translate, that code anew.
  a.section('data', () => a.align(4096));
  a.include(boot);
  lock.write(a);
  scenario(a);
  a.section('bss', () => {
    a.align(4096);
    a.label('image_end');
  });
  return a.assemble({ base: GUEST_IMAGE_BASE, entry: 'start' });
}
