import type { FileUIPart } from 'ai'

/** A channel message is limited to 64 KiB, and a prompt's files share one message with its text. */
const room = 56 * 1024

const text = /^(text\/|application\/(json|xml|yaml)$)/
const picture = /^image\/(png|jpeg|gif|webp|avif)$/

/** The file types that the file dialog offers. */
export const accepted = 'image/png,image/jpeg,image/gif,image/webp,image/avif,text/*,.md,.csv,.json'

/**
 * Reads a file as part of a prompt.
 *
 * @param others - the other files of the prompt
 * @throws Error with a message for the user
 */
export async function readAttachment(file: File, others: readonly FileUIPart[]): Promise<FileUIPart> {
  const mediaType = file.type || 'text/plain'
  if (!picture.test(mediaType) && !text.test(mediaType)) {
    throw new Error(`${file.name} can't be attached. Attach images or text files.`)
  }
  // NOTE: a data URL uses four letters for three bytes
  const used = others.reduce((sum, { url }) => sum + url.length, 0)
  if (used + file.size * (4 / 3) > room) {
    const left = Math.max(0, Math.floor(((room - used) * 3) / 4 / 1024))
    throw new Error(
      `${file.name} is too large (${sizeOf(file.size)}). A message has room for ${left} KB${others.length > 0 ? ' more' : ''} of files.`,
    )
  }
  return { type: 'file', mediaType, filename: file.name, url: await dataUrlOf(file, mediaType) }
}

async function dataUrlOf(file: File, mediaType: string): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return `data:${mediaType};base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`
}

/** `240 KB`, `3.1 MB`. */
export const sizeOf = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`
