/** A free lock, as it is after many acquisitions: `before` more, and its tickets wrap around. Locks without tickets are zero when free. */
export function freeWord(lock: string, before: number): bigint {
  const pair = (width: number, step: number): bigint => {
    const ticket = BigInt.asUintN(width, BigInt(-step * (before + 1)));
    return (ticket << BigInt(width)) | ticket;
  };
  switch (lock) {
    case 'ticket':
      return pair(32, 1);
    case 'pv-ticket':
      return pair(32, 2);
    case 'preemptable-v1':
    case 'preemptable-v2':
      return pair(16, 1);
    case 'preemptable':
    case 'preemptable-v3':
    case 'pv-preemptable':
      return pair(16, 2);
    default:
      return 0n;
  }
}
