import { BadAnswer } from '../errors.ts'

const NEWLINE = 10

/** No single frame may be longer: an object is at most 1.5 MiB on the wire and doubled by generous escaping. */
const LONGEST_FRAME_BYTES = 16 << 20

/**
 * Cuts a stream of chunks into lines, on bytes: a frame may come in many chunks, and a chunk may hold many frames. What follows the
 * last newline when the stream ends is not a frame: the server was cut off in the middle of it.
 */
export async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end)
      start = end + 1
      const frame = held.length === 0 ? tail : Buffer.concat([...held, tail])
      held = []
      heldBytes = 0
      if (frame.length > 0) yield frame
    }
    if (start < chunk.length) {
      held.push(chunk.subarray(start))
      heldBytes += chunk.length - start
      if (heldBytes > LONGEST_FRAME_BYTES) throw new BadAnswer(`a watch frame is longer than ${LONGEST_FRAME_BYTES} bytes`)
    }
  }
}

export interface RawFrame {
  readonly type: string
  readonly object: unknown
}

export const textOfFrame = (frame: Uint8Array): string => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('utf8')

export function parseFrame(frame: Uint8Array): RawFrame {
  return parseText(textOfFrame(frame))
}

const MANAGERS = ',"managedFields":[{'

/**
 * The same without the notes of who set which field: half the text of many objects, and nobody's in a cache. They are a list of objects with no list of
 * objects inside, so they end with the first `}]`, wherever the server puts them in the metadata. One inside a string leaves half a string behind, which is not
 * JSON; it is believed only when what was put in their place is found there.
 */
export const parseLeanFrame = (frame: Uint8Array): RawFrame => parseLeanText(textOfFrame(frame))

/** The same of a frame's text. */
export const parseLeanText = (text: string): RawFrame => leanFrame(text) ?? parseText(text)

function leanFrame(text: string): RawFrame | undefined {
  const start = text.indexOf(MANAGERS)
  if (start === -1) return undefined
  let end = text.indexOf('}]', start)
  while (end !== -1 && text[end + 2] !== ',' && text[end + 2] !== '}') end = text.indexOf('}]', end + 1)
  if (end === -1) return undefined
  try {
    const frame = parseText(`${text.slice(0, start)},"managedFields":0${text.slice(end + 2)}`)
    const { metadata } = frame.object as { readonly metadata?: { managedFields?: unknown } }
    if (metadata?.managedFields !== 0) return undefined
    delete metadata.managedFields
    return frame
  } catch {
    return undefined
  }
}

function parseText(text: string): RawFrame {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BadAnswer('a watch frame is not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string')
    throw new BadAnswer('a watch frame has no type')
  return { type: value.type, object: 'object' in value ? value.object : undefined }
}
