/**
 * Local APIC registers by xAPIC offset; the x2APIC MSR of a register is 0x800 + (offset >> 4).
 * SDM: Vol. 3, "Local APIC Register Address Map"; "x2APIC Register Address Space".
 */
export const APIC_ID = 0x020;
export const APIC_VERSION = 0x030;
export const APIC_TPR = 0x080;
export const APIC_APR = 0x090;
export const APIC_PPR = 0x0a0;
export const APIC_EOI = 0x0b0;
export const APIC_RRD = 0x0c0;
export const APIC_LDR = 0x0d0;
export const APIC_DFR = 0x0e0;
export const APIC_SVR = 0x0f0;
export const APIC_ISR0 = 0x100;
export const APIC_TMR0 = 0x180;
export const APIC_IRR0 = 0x200;
export const APIC_ESR = 0x280;
export const APIC_LVT_CMCI = 0x2f0;
export const APIC_ICR_LOW = 0x300;
export const APIC_ICR_HIGH = 0x310;
export const APIC_LVT_TIMER = 0x320;
export const APIC_LVT_THERMAL = 0x330;
export const APIC_LVT_PERFORMANCE = 0x340;
export const APIC_LVT_LINT0 = 0x350;
export const APIC_LVT_LINT1 = 0x360;
export const APIC_LVT_ERROR = 0x370;
export const APIC_TIMER_INITIAL = 0x380;
export const APIC_TIMER_CURRENT = 0x390;
export const APIC_TIMER_DIVIDE = 0x3e0;
/** x2APIC only. */
export const APIC_SELF_IPI = 0x3f0;

export const APIC_SVR_ENABLE = 1 << 8;
export const APIC_LVT_MASKED = 1 << 16;
export const APIC_LVT_TIMER_MODE_SHIFT = 17;
export const APIC_TIMER_ONE_SHOT = 0;
export const APIC_TIMER_PERIODIC = 1;
export const APIC_TIMER_TSC_DEADLINE = 2;

/** ICR fields. SDM: Vol. 3, "Interrupt Command Register (ICR)". */
export const ICR_DELIVERY_SHIFT = 8;
export const ICR_DELIVERY = 7 << ICR_DELIVERY_SHIFT;
export const DELIVERY_FIXED = 0;
export const DELIVERY_LOWEST = 1;
export const DELIVERY_SMI = 2;
/** Reserved on processors without remote action requests. */
export const DELIVERY_REMOTE_ACTION = 3;
export const DELIVERY_NMI = 4;
export const DELIVERY_INIT = 5;
export const DELIVERY_STARTUP = 6;
export const DELIVERY_EXTINT = 7;
export const ICR_LOGICAL = 1 << 11;
export const ICR_DELIVERY_STATUS = 1 << 12;
export const ICR_ASSERT = 1 << 14;
export const ICR_LEVEL_TRIGGERED = 1 << 15;
export const ICR_SHORTHAND_SHIFT = 18;
export const ICR_SHORTHAND = 3 << ICR_SHORTHAND_SHIFT;
export const SHORTHAND_NONE = 0;
export const SHORTHAND_SELF = 1;
export const SHORTHAND_ALL = 2;
export const SHORTHAND_OTHERS = 3;

/** ESR bits. SDM: Vol. 3, "Error Handling". */
export const ESR_SEND_ILLEGAL_VECTOR = 1 << 5;
export const ESR_RECEIVE_ILLEGAL_VECTOR = 1 << 6;
export const ESR_ILLEGAL_REGISTER = 1 << 7;
