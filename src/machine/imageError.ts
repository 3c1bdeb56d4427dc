/** A file that is no image this machine can load, or an image that does not fit; the message is one line for the user. */
export class ImageError extends Error {}
