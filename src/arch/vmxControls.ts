/** Bits of the VM-execution, VM-exit and VM-entry controls. SDM: Vol. 3, "VM-Execution Control Fields"; "VM-Exit Controls"; "VM-Entry Controls". */
export const PIN_EXTERNAL_INTERRUPT_EXITING = 1 << 0;
export const PIN_NMI_EXITING = 1 << 3;
/** The blocking-by-NMI bit of the guest is about virtual NMIs; physical ones are never blocked. */
export const PIN_VIRTUAL_NMIS = 1 << 5;
export const PIN_PREEMPTION_TIMER = 1 << 6;

export const PRIMARY_INTERRUPT_WINDOW_EXITING = 1 << 2;
export const PRIMARY_TSC_OFFSETTING = 1 << 3;
export const PRIMARY_HLT_EXITING = 1 << 7;
export const PRIMARY_INVLPG_EXITING = 1 << 9;
export const PRIMARY_MWAIT_EXITING = 1 << 10;
export const PRIMARY_RDPMC_EXITING = 1 << 11;
export const PRIMARY_RDTSC_EXITING = 1 << 12;
export const PRIMARY_CR3_LOAD_EXITING = 1 << 15;
export const PRIMARY_CR3_STORE_EXITING = 1 << 16;
export const PRIMARY_CR8_LOAD_EXITING = 1 << 19;
export const PRIMARY_CR8_STORE_EXITING = 1 << 20;
export const PRIMARY_NMI_WINDOW_EXITING = 1 << 22;
export const PRIMARY_MOV_DR_EXITING = 1 << 23;
export const PRIMARY_UNCONDITIONAL_IO_EXITING = 1 << 24;
export const PRIMARY_USE_IO_BITMAPS = 1 << 25;
export const PRIMARY_USE_MSR_BITMAPS = 1 << 28;
export const PRIMARY_MONITOR_EXITING = 1 << 29;
export const PRIMARY_PAUSE_EXITING = 1 << 30;
/** Bit 31; kept unsigned. */
export const PRIMARY_ACTIVATE_SECONDARY = 0x8000_0000;

export const SECONDARY_EPT = 1 << 1;
export const SECONDARY_RDTSCP = 1 << 3;
export const SECONDARY_VPID = 1 << 5;
export const SECONDARY_WBINVD_EXITING = 1 << 6;
export const SECONDARY_UNRESTRICTED_GUEST = 1 << 7;
export const SECONDARY_PLE = 1 << 10;
export const SECONDARY_INVPCID = 1 << 12;

export const EXIT_CONTROL_HOST_64 = 1 << 9;
export const EXIT_CONTROL_ACKNOWLEDGE_INTERRUPT = 1 << 15;
export const EXIT_CONTROL_SAVE_PAT = 1 << 18;
export const EXIT_CONTROL_LOAD_PAT = 1 << 19;
export const EXIT_CONTROL_SAVE_EFER = 1 << 20;
export const EXIT_CONTROL_LOAD_EFER = 1 << 21;
export const EXIT_CONTROL_SAVE_PREEMPTION_TIMER = 1 << 22;

export const ENTRY_CONTROL_IA32E_GUEST = 1 << 9;
export const ENTRY_CONTROL_LOAD_PAT = 1 << 14;
export const ENTRY_CONTROL_LOAD_EFER = 1 << 15;

/** Interruption-information fields: vector in 7:0, type in 10:8, error code valid in 11, valid in 31. SDM: Vol. 3, "VM-Entry Controls for Event Injection". */
export const INTERRUPTION_VECTOR = 0xff;
export const INTERRUPTION_TYPE_SHIFT = 8;
export const INTERRUPTION_TYPE = 7 << INTERRUPTION_TYPE_SHIFT;
export const INTERRUPTION_EXTERNAL = 0;
export const INTERRUPTION_NMI = 2;
export const INTERRUPTION_HARDWARE_EXCEPTION = 3;
export const INTERRUPTION_SOFTWARE_INTERRUPT = 4;
export const INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION = 5;
export const INTERRUPTION_SOFTWARE_EXCEPTION = 6;
export const INTERRUPTION_ERROR_CODE_VALID = 1 << 11;
/** Bit 31; kept unsigned. */
export const INTERRUPTION_VALID = 0x8000_0000;
