/** A bench guest as the peers load it. */
import { buildGuest } from '../src/kernels/guests.ts';
import { wrapForMultiboot } from '../test/kernels/multiboot.ts';

export const PEER_MEMORY_MIB = 128;

/** A flat Multiboot kernel. */
export const peerImage = (guest: string, cores: number, parameters: Readonly<Record<string, number>>): Uint8Array =>
  wrapForMultiboot(buildGuest(guest, { parameters }).image, {
    cores,
    memory: PEER_MEMORY_MIB * 2 ** 20,
    tscHz: 1_000_000_000,
    seed: 1,
  });
