/** A device on the port bus. It is told offsets from the start of its range, never port numbers. */
export interface PortDevice {
  /** The value at `offset`, `size` bytes (1, 2 or 4), unsigned. */
  read(offset: number, size: number): number;
  /** @param value unsigned, `size` bytes. */
  write(offset: number, value: number, size: number): void;
}

const PORTS = 0x1_0000;
/** So many reads of absent ports, with no access to any device between them, are no probe any more and no delay: the guest waits for a device. */
const PATIENCE_READS = 1 << 22;

/**
 * The 64 K I/O ports: each belongs to one device or to nobody. An access belongs to the device of its first port. Reads of a port that nobody claims
 * give all ones and writes to it are dropped, as on a bus where nothing answers; both are counted, because a guest that does it
 * usually looks for a device that is missing.
 */
export class PortBus {
  unclaimedReads = 0;
  unclaimedWrites = 0;
  /** Told the port when a guest has done nothing else with ports than read absent ones, `patience` times. */
  onHopeless: (port: number) => void = () => {};
  patience = PATIENCE_READS;
  private readsInARow = 0;
  private readonly devices: { readonly first: number; readonly name: string; readonly device: PortDevice }[] = [];
  /** Per port: 1 + index of its device, or 0. */
  private readonly owners = new Uint8Array(PORTS);

  /** Ports first … first + count - 1 belong to `device`. Raises: Error when one of them is taken or out of range. */
  insert(name: string, first: number, count: number, device: PortDevice): void {
    if (first < 0 || count < 1 || first + count > PORTS) throw new Error(`${name}: ports ${hex(first)} + ${count} are out of range`);
    for (let port = first; port < first + count; port++) {
      const owner = this.devices[this.owners[port]! - 1];
      if (owner !== undefined) throw new Error(`${name}: port ${hex(port)} belongs to ${owner.name}`);
    }
    if (this.devices.length === 255) throw new Error(`${name}: more than 255 devices on the port bus`);
    this.devices.push({ first, name, device });
    this.owners.fill(this.devices.length, first, first + count);
  }

  /** What IN gives: `size` bytes, unsigned. */
  read(port: number, size: number): number {
    const owner = this.devices[this.owners[port]! - 1];
    if (owner !== undefined) {
      this.readsInARow = 0;
      return owner.device.read(port - owner.first, size);
    }
    this.unclaimedReads++;
    if (++this.readsInARow === this.patience) this.onHopeless(port);
    return size === 4 ? 0xffff_ffff : 2 ** (8 * size) - 1;
  }

  /** OUT is done. */
  write(port: number, value: number, size: number): void {
    const owner = this.devices[this.owners[port]! - 1];
    if (owner === undefined) {
      this.unclaimedWrites++;
      return;
    }
    this.readsInARow = 0;
    owner.device.write(port - owner.first, value, size);
  }
}

const hex = (port: number): string => `0x${port.toString(16)}`;
