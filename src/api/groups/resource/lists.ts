import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { Validate } from '../../validation/values.ts'

/** Checks each item, or only says that there are too many: what is too long is not looked at. */
export function validateSlice<T>(
  items: readonly T[] | null | undefined,
  max: number,
  validate: Validate<T>,
  path: Path,
  errors: FieldErrors,
): void {
  if ((items?.length ?? 0) > max) errors.push(fieldError.tooMany(path, items?.length ?? 0, max))
  else items?.forEach((item, at) => validate(item, path.index(at), errors))
}

/** A list in which no key comes twice. `shown` is what the message shows of a repeated item: the key, unless it is a composed one. */
export function validateSet<T>(
  items: readonly T[] | null | undefined,
  max: number,
  validate: Validate<T>,
  keyOf: (item: T) => string,
  path: Path,
  errors: FieldErrors,
  shown: (item: T) => unknown = keyOf,
): void {
  validateSlice(items, max, validate, path, errors)
  if ((items?.length ?? 0) > max) return
  const seen = new Set<string>()
  items?.forEach((item, at) => {
    const key = keyOf(item)
    if (seen.has(key)) errors.push(fieldError.duplicate(path.index(at), shown(item)))
    seen.add(key)
  })
}

/** Keys are reported at the map, values at their place in it. */
export function validateMap<T>(
  map: Readonly<Record<string, T>> | undefined,
  longestKey: number,
  validateKey: Validate<string>,
  validate: Validate<T>,
  path: Path,
  errors: FieldErrors,
): void {
  for (const [key, value] of Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    validateKey(key, path, errors)
    validate(value, path.key(shortened(key, longestKey)), errors)
  }
}

const ELLIPSIS = '...'

function shortened(text: string, longest: number): string {
  if (text.length <= longest) return text
  const rest = longest - ELLIPSIS.length
  return `${text.slice(0, Math.ceil(rest / 2))}${ELLIPSIS}${text.slice(text.length - Math.floor(rest / 2))}`
}
