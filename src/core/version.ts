/** This package's version, named in the channel's `agent` parameter. */
export const version = '0.1.0'
