/** State components of XSAVE and the layout of its area. SDM: Vol. 1, "XSAVE-Supported Features and State-Component Bitmaps"; "XSAVE Area". */

/** Bits of XCR0 and of requested-feature bitmaps. */
export const XCR0_X87 = 1 << 0;
export const XCR0_SSE = 1 << 1;
/** Those that XCR0 may enable here. */
export const XCR0_SUPPORTED = XCR0_X87 | XCR0_SSE;
export const XCR0_RESET = 1n;

/** Bytes of the legacy region, and of the area in its standard form. */
export const XSAVE_LEGACY_SIZE = 512;
export const XSAVE_HEADER_SIZE = 64;
export const XSAVE_AREA_SIZE = XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE;
