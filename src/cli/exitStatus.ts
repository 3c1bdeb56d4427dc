/** Exit statuses of the command, a stable contract. A guest's own status, (value << 1) | 1, is passed on as it is. */
export const STATUS_OK = 0;
/** An experiment ran and did not show the shape it must show. */
export const STATUS_SHAPE_MISSED = 1;
/** Usage, or input that cannot be used. */
export const STATUS_USAGE = 2;
/** The guest died: triple fault, or a VM entry failed. */
export const STATUS_GUEST_DIED = 70;
/** `--max-cycles` ran out. */
export const STATUS_OUT_OF_CYCLES = 71;
/** An instruction is not implemented. */
export const STATUS_NOT_IMPLEMENTED = 75;
/** Ctrl-C: 128 + SIGINT. */
export const STATUS_INTERRUPTED = 130;
