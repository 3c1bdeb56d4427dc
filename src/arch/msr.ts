/** Model-specific registers by number. SDM: Vol. 4, "IA-32 Architectural MSRs". */
export const IA32_TSC = 0x10;
export const IA32_APIC_BASE = 0x1b;
export const IA32_FEATURE_CONTROL = 0x3a;
export const IA32_TSC_ADJUST = 0x3b;
export const IA32_BIOS_SIGN_ID = 0x8b;
export const IA32_MTRRCAP = 0xfe;
export const IA32_SYSENTER_CS = 0x174;
export const IA32_SYSENTER_ESP = 0x175;
export const IA32_SYSENTER_EIP = 0x176;
export const IA32_MISC_ENABLE = 0x1a0;
export const IA32_PAT = 0x277;
export const IA32_MTRR_DEF_TYPE = 0x2ff;
export const IA32_TSC_DEADLINE = 0x6e0;
export const IA32_EFER = 0xc000_0080;
export const IA32_STAR = 0xc000_0081;
export const IA32_LSTAR = 0xc000_0082;
export const IA32_CSTAR = 0xc000_0083;
export const IA32_FMASK = 0xc000_0084;
export const IA32_FS_BASE = 0xc000_0100;
export const IA32_GS_BASE = 0xc000_0101;
export const IA32_KERNEL_GS_BASE = 0xc000_0102;
export const IA32_TSC_AUX = 0xc000_0103;

/** x2APIC registers are MSRs 0x800 + (xAPIC offset >> 4). */
export const X2APIC_MSR_FIRST = 0x800;
export const X2APIC_MSR_LAST = 0x8ff;

export const APIC_BASE_BSP = 1 << 8;
export const APIC_BASE_X2APIC = 1 << 10;
export const APIC_BASE_ENABLE = 1 << 11;
export const APIC_DEFAULT_BASE = 0xfee0_0000;

/** IA32_MISC_ENABLE: REP MOVS and STOS are quick; MONITOR and MWAIT are there. */
export const MISC_ENABLE_FAST_STRINGS = 1 << 0;
export const MISC_ENABLE_MONITOR = 1 << 18;

/** Reset value of IA32_PAT. */
export const PAT_RESET = 0x0007_0406_0007_0406n;
