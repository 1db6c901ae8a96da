import { fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { DecodeError, DecodeRun } from './run.ts'
import { type Decoder, isObject } from './types.ts'

/** What whole objects inside of custom resources say of themselves is read by the server: it has to be text, and metadata. */
export const embeddedText: Decoder = (value, run) => {
  if (typeof value !== 'string') run.stop(invalid(run, value, 'must be a string'))
  return value
}

export function embeddedMetadata(decode: Decoder): Decoder {
  return (value, run, holder, key) => {
    if (value === null) return {}
    const inner = new DecodeRun(false, undefined)
    try {
      if (!isObject(value)) throw inner.wrongRoot(value, 'v1.ObjectMeta')
      const decoded = decode(value, inner, holder, key)
      inner.finish()
      for (const path of inner.unknownFields()) run.addUnknown(path)
      return decoded
    } catch (error) {
      if (error instanceof DecodeError) run.stop(invalid(run, value, error.message))
      throw error
    }
  }
}

const invalid = (run: DecodeRun, value: unknown, why: string): string =>
  `${run.place}: ${fieldError.invalid(Path.of('metadata'), value, why).message}`
