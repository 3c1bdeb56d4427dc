/** Why the machine, or the virtual machine a core was running, came to its end. */
export type StopReason =
  | { readonly kind: 'power-off' }
  /** Every core is halted and nothing will ever wake one. */
  | { readonly kind: 'idle' }
  /** A guest polls a port where no device is: it will wait for good. */
  | { readonly kind: 'no-device'; readonly port: number }
  | { readonly kind: 'debug-exit'; readonly value: number }
  | { readonly kind: 'triple-fault'; readonly core: number; readonly detail: string }
  | { readonly kind: 'unimplemented'; readonly core: number; readonly rip: string; readonly bytes: string; readonly what: string }
  | { readonly kind: 'entry-failure'; readonly core: number; readonly detail: string }
  | { readonly kind: 'oracle'; readonly detail: string };
