const start = Date.UTC(2027, 0, 1)
let count = 0

/** The next serial of a channel; as text, serials sort as they were given, whoever publishes. */
export const nextSerial = (): string => `0${start + ++count}-000@site1:000`
