/** fwk-selftest: smoke. */

import { buildFwk } from './fwk/fwk.ts';
import { KERNEL_PARAMETERS } from './fwk/parameters.ts';
import { assembleProgram } from './fwk/program.ts';
import { exit, runtime, say } from './fwk/user/runtime.ts';
import type { GuestDefinition } from './guest.ts';

export const fwkSelftest: GuestDefinition = {
  name: 'fwk-selftest',
  doc: 'every system call of the full-weight kernel, used rightly and wrongly',
  parameters: KERNEL_PARAMETERS,
  minCores: 1,
  defaultCores: 4,
  figures: [],
  build: (choices) =>
    buildFwk(choices, [
      {
        program: assembleProgram('hello', (a) => {
          a.include(runtime);
          a.label('main');
          say(a, 'hello from a process\n');
          exit(a, 0);
        }),
      },
    ]),
};
