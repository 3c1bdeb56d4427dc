import type { Vcpu } from './vcpu.ts';

/** What another core has done or wants that concerns a core's scheduler; it takes effect with the host IPI that says so. */
export type Notice =
  /** The vCPU, which lives here, is runnable or has ceased to be. */
  | { readonly kind: 'changed'; readonly vcpu: Vcpu }
  /** The vCPU shall run next. */
  | { readonly kind: 'boost'; readonly vcpu: Vcpu }
  /** That core is idle and would take a vCPU. */
  | { readonly kind: 'pull'; readonly core: number }
  /** From the scheduler there to the scheduler here. */
  | { readonly kind: 'word'; readonly word: number };

/** Notices on their way to a core, in the order of their arrival. */
export class NoticeQueue {
  private readonly notices: Notice[] = [];
  private readonly due: number[] = [];

  /** @param due when its IPI arrives. */
  send(notice: Notice, due: number): void {
    let at = this.due.length;
    while (at > 0 && this.due[at - 1]! > due) at--;
    this.notices.splice(at, 0, notice);
    this.due.splice(at, 0, due);
  }

  /** The next one that has arrived by `now`: a core that is ahead may have sent more. */
  take(now: number): Notice | undefined {
    if (this.due.length === 0 || this.due[0]! > now) return undefined;
    this.due.shift();
    return this.notices.shift();
  }
}
