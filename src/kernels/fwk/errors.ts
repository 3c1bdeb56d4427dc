/** Error numbers of system calls, as Linux numbers them; a call returns the negated number. */
export const EPERM = 1;
export const EINTR = 4;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EFAULT = 14;
export const EINVAL = 22;
export const EMFILE = 24;
export const EPIPE = 32;
export const ENOSYS = 38;
