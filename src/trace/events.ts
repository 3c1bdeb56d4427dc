/**
 * Every event that can be observed, declared once: the writers, `--trace-events` and the documentation derive from this table.
 *
 * An event has a core, a time in cycles and up to four numeric arguments. Linear addresses are signed numbers (arch/addresses).
 * A field's format says how writers print it: `la` as 16 hexadecimal digits, `hex` as 0x…, `dec` as a decimal number,
 * `vector` (an exception by name, above them hexadecimal), `delivery` (of an interprocessor message), `reason` (VM-exit reason), `mark`,
 * `operation` (invalidation) and `activity` by name.
 */
export type FieldFormat = 'dec' | 'hex' | 'la' | 'vector' | 'delivery' | 'reason' | 'mark' | 'operation' | 'activity';

export interface EventDeclaration {
  /** Name in text and JSON Lines, and in `--trace-events`. */
  readonly name: string;
  /** Group that `--trace-events` can name instead of a single event. */
  readonly group: EventGroup;
  readonly fields: readonly (readonly [name: string, format: FieldFormat])[];
  readonly doc: string;
}

export type EventGroup = 'instruction' | 'exception' | 'interrupt' | 'tlb' | 'vmx' | 'schedule' | 'mark' | 'activity' | 'privilege';

export const EVENTS = [
  { name: 'instruction', group: 'instruction', fields: [['rip', 'la']], doc: 'an instruction starts' },
  {
    name: 'exception',
    group: 'exception',
    fields: [
      ['vector', 'vector'],
      ['error', 'hex'],
      ['rip', 'la'],
      ['cr2', 'la'],
    ],
    doc: 'an exception is delivered',
  },
  {
    name: 'interrupt',
    group: 'interrupt',
    fields: [
      ['vector', 'vector'],
      ['rip', 'la'],
    ],
    doc: 'an external interrupt is delivered through the IDT',
  },
  {
    name: 'ipi-send',
    group: 'interrupt',
    fields: [
      ['flow', 'dec'],
      ['target', 'dec'],
      ['vector', 'hex'],
      ['delivery', 'delivery'],
    ],
    doc: 'an interprocessor message leaves; one event per target',
  },
  {
    name: 'ipi-deliver',
    group: 'interrupt',
    fields: [
      ['flow', 'dec'],
      ['source', 'dec'],
      ['vector', 'hex'],
      ['delivery', 'delivery'],
    ],
    doc: 'the message arrives at the target APIC',
  },
  {
    name: 'tlb-fill',
    group: 'tlb',
    fields: [
      ['la', 'la'],
      ['hpa', 'hex'],
      ['size', 'hex'],
      ['tags', 'hex'],
    ],
    doc: 'a walk put a translation into a TLB; tags = VPID << 12 | PCID',
  },
  {
    name: 'invalidate',
    group: 'tlb',
    fields: [
      ['operation', 'operation'],
      ['la', 'la'],
      ['tags', 'hex'],
      ['dropped', 'dec'],
    ],
    doc: 'an invalidation was carried out',
  },
  {
    name: 'vm-entry',
    group: 'vmx',
    fields: [
      ['vm', 'dec'],
      ['vcpu', 'dec'],
      ['rip', 'la'],
      ['event', 'hex'],
    ],
    doc: 'a VM entry starts; event = injected interruption information',
  },
  {
    name: 'vm-exit',
    group: 'vmx',
    fields: [
      ['reason', 'reason'],
      ['qualification', 'hex'],
      ['rip', 'la'],
      ['vpid', 'dec'],
    ],
    doc: 'a VM exit completed',
  },
  {
    name: 'vcpu-run',
    group: 'schedule',
    fields: [
      ['vm', 'dec'],
      ['vcpu', 'dec'],
    ],
    doc: 'a vCPU was put on this core',
  },
  {
    name: 'vcpu-stop',
    group: 'schedule',
    fields: [
      ['vm', 'dec'],
      ['vcpu', 'dec'],
      ['runnable', 'dec'],
    ],
    doc: 'a vCPU was taken off this core; runnable = 1 when it was preempted',
  },
  {
    name: 'hypercall',
    group: 'vmx',
    fields: [
      ['number', 'dec'],
      ['vm', 'dec'],
      ['vcpu', 'dec'],
      ['argument', 'hex'],
    ],
    doc: 'a hypercall starts; argument = RBX',
  },
  {
    name: 'hypercall-end',
    group: 'vmx',
    fields: [
      ['number', 'dec'],
      ['vm', 'dec'],
      ['vcpu', 'dec'],
      ['cycles', 'dec'],
    ],
    doc: 'the hypercall returns to the guest',
  },
  {
    name: 'virtual-interrupt',
    group: 'vmx',
    fields: [
      ['vm', 'dec'],
      ['vcpu', 'dec'],
      ['vector', 'vector'],
      ['source', 'dec'],
    ],
    doc: 'the VMM posted an interrupt to a vCPU',
  },
  {
    name: 'mark',
    group: 'mark',
    fields: [
      ['mark', 'mark'],
      ['rdi', 'la'],
      ['rsi', 'la'],
      ['rdx', 'la'],
    ],
    doc: 'the guest executed a mark (arch/marks)',
  },
  {
    name: 'activity',
    group: 'activity',
    fields: [
      ['state', 'activity'],
      ['rip', 'la'],
    ],
    doc: 'the core halts, wakes, waits for or receives STARTUP',
  },
  {
    name: 'privilege',
    group: 'privilege',
    fields: [['cpl', 'dec']],
    doc: 'user mode is entered (3) or left by a transition of the core itself; VM entries and exits are none',
  },
] as const satisfies readonly EventDeclaration[];

export type EventName = (typeof EVENTS)[number]['name'];

/** Number of an event: its row. Bit `1 << number` stands for it in a probe's mask. */
export const EVENT_INSTRUCTION = 0;
export const EVENT_EXCEPTION = 1;
export const EVENT_INTERRUPT = 2;
export const EVENT_IPI_SEND = 3;
export const EVENT_IPI_DELIVER = 4;
export const EVENT_TLB_FILL = 5;
export const EVENT_INVALIDATE = 6;
export const EVENT_VM_ENTRY = 7;
export const EVENT_VM_EXIT = 8;
export const EVENT_VCPU_RUN = 9;
export const EVENT_VCPU_STOP = 10;
export const EVENT_HYPERCALL = 11;
export const EVENT_HYPERCALL_END = 12;
export const EVENT_VIRTUAL_INTERRUPT = 13;
export const EVENT_MARK = 14;
export const EVENT_ACTIVITY = 15;
export const EVENT_PRIVILEGE = 16;

/** Delivery modes of interprocessor messages, as DELIVERY_ numbers them (arch/apicRegisters). */
export const DELIVERY_NAMES = ['fixed', 'lowest', 'smi', 'remote-action', 'nmi', 'init', 'startup', 'extint'] as const;

/** Activity states as the `activity` event reports them. */
export const ACTIVITY_NAMES = ['active', 'hlt', 'shutdown', 'wait-for-sipi', 'mwait'] as const;

/** Invalidation operations as the `invalidate` event reports them. */
export const INVALIDATION_NAMES = [
  'INVLPG',
  'INVPCID-address',
  'INVPCID-context',
  'INVPCID-all-global',
  'INVPCID-all',
  'MOV-CR3',
  'MOV-CR4',
  'MOV-CR0',
  'PAGE-FAULT',
  'INVVPID-address',
  'INVVPID-context',
  'INVVPID-all',
  'INVVPID-context-keep-global',
  'INVEPT-context',
  'INVEPT-all',
  'VM-TRANSITION',
  'EPT-VIOLATION',
  'INVLPGB',
] as const;
export const OPERATION_INVLPG = 0;
export const OPERATION_INVPCID_ADDRESS = 1;
export const OPERATION_INVPCID_CONTEXT = 2;
export const OPERATION_INVPCID_ALL_GLOBAL = 3;
export const OPERATION_INVPCID_ALL = 4;
export const OPERATION_MOV_CR3 = 5;
export const OPERATION_MOV_CR4 = 6;
export const OPERATION_MOV_CR0 = 7;
export const OPERATION_PAGE_FAULT = 8;
export const OPERATION_INVVPID_ADDRESS = 9;
export const OPERATION_INVVPID_CONTEXT = 10;
export const OPERATION_INVVPID_ALL = 11;
export const OPERATION_INVVPID_KEEP_GLOBAL = 12;
export const OPERATION_INVEPT_CONTEXT = 13;
export const OPERATION_INVEPT_ALL = 14;
/** VM entry or exit with VPID off: every linear and combined mapping of VPID 0 goes. */
export const OPERATION_VM_TRANSITION = 15;
/** An EPT violation: the guest-physical mappings of the address go, and the combined ones of the linear address translated. */
export const OPERATION_EPT_VIOLATION = 16;
/** INVLPGB, once for each page, on each core that it reaches. */
export const OPERATION_INVLPGB = 17;
