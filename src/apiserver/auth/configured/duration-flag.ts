import { UserError } from '#base'
import { parseDuration } from '#api'

/** Milliseconds of what a flag says, like `1m30s`. Throws `UserError`. */
export function durationFlag(text: string | undefined, flag: string, defaultMs: number): number {
  if (text === undefined) return defaultMs
  const value = parseDuration(text)
  if (typeof value === 'string' || value < 0) throw new UserError(`${flag}: not a duration: ${text}`, 'write it like 30s or 5m')
  return value
}
