/** Vectors of the interrupts that the VMM's cores send each other and themselves. */

export const VECTOR_HOST_TIMER = 0xec;
/** Another core changed something this core must look at. */
export const VECTOR_HOST_RESCHEDULE = 0xfd;
/** A function call waits in the queue. */
export const VECTOR_HOST_CALL = 0xfb;
