const PAGE = 65_536;

/** The host cannot provide the memory that a machine needs. */
export class HostMemoryError extends Error {}

/** The one memory of a machine. @param pages of 64 KB. @throws HostMemoryError when the host does not have them. */
export function allocateMachineMemory(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HostMemoryError(`the host cannot allocate the ${Math.ceil((pages * PAGE) / 2 ** 20)}M that the machine needs`);
  }
}
