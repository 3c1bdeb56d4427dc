import { readFileSync } from 'node:fs';
import type { GuestImage } from '../arch/guestImage.ts';
import { GUESTS } from '../kernels/guests.ts';
import { ImageError } from '../machine/imageError.ts';
import { readKernelFile } from '../machine/kernelFile.ts';
import { layOutMultiboot, type MultibootMemory, type MultibootModule } from '../machine/multibootInformation.ts';
import type { ModuleFile } from './runOptions.ts';
import { UnusableInput } from './unusableInput.ts';

export interface OutsideKernel {
  readonly image: GuestImage;
  /** Of a Multiboot kernel; undefined for one with a direct entry. */
  readonly multiboot: MultibootMemory | undefined;
  readonly modules: readonly MultibootModule[];
}

/**
 * The kernel in a file, with its modules.
 * @param memoryBytes RAM of the guest.
 * @throws UnusableInput
 */
export function readOutsideKernel(
  path: string,
  moduleFiles: readonly ModuleFile[],
  commandLine: string,
  memoryBytes: number,
): OutsideKernel {
  const bytes = readFile(path, () => `'${path}' is neither a built-in guest (${GUESTS.map(({ name }) => name).join(', ')}) nor a file`);
  const { image, protocol } = sound(path, () => readKernelFile(bytes));
  if (protocol === 'direct') {
    if (moduleFiles.length > 0) throw new UnusableInput(`--module is for Multiboot kernels; '${path}' is a plain ELF64 file`);
    return { image, multiboot: undefined, modules: [] };
  }
  const modules = moduleFiles.map((module) => ({
    text: module.text,
    bytes: readFile(module.path, () => `--module: there is no file '${module.path}'`),
  }));
  return { image, multiboot: sound(path, () => layOutMultiboot(image, memoryBytes, commandLine, modules)), modules };
}

function readFile(path: string, missing: () => string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UnusableInput(code === 'ENOENT' ? missing() : `cannot read '${path}': ${(error as Error).message}`);
  }
}

function sound<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ImageError) throw new UnusableInput(`${path}: ${error.message}`);
    throw error;
  }
}
