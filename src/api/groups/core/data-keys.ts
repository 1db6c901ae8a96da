import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { deepEqual } from '../../meta/deep.ts'
import { configMapKeyErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

/** What ConfigMaps and Secrets may hold at most, keys not counted. */
const MAX_DATA_BYTES = 1024 * 1024

type Data = Readonly<Record<string, string>> | undefined

export function validateDataKeys(data: Data, path: Path, errors: FieldErrors): void {
  for (const key in data) invalidText(key, configMapKeyErrors(key), path.key(key), errors)
}

/** Bytes of a text, or of what a base64 text stands for. */
export const textBytes = (text: string): number => new TextEncoder().encode(text).length
export const base64Bytes = (text: string): number => Math.floor((text.replace(/=+$/, '').length * 3) / 4)

export function validateDataSize(bytes: number, path: Path, errors: FieldErrors): void {
  if (bytes > MAX_DATA_BYTES) errors.push(fieldError.tooLong(path, MAX_DATA_BYTES))
}

/** Once `immutable` is set, neither it nor the data changes. Of bytes, an empty map is something else than none; of texts it is the same. */
export function validateImmutableData(
  object: { readonly immutable?: boolean | undefined },
  old: { readonly immutable?: boolean | undefined },
  data: readonly (readonly [path: Path, value: Data, oldValue: Data, of: 'texts' | 'bytes'])[],
  immutablePath: Path,
  errors: FieldErrors,
): void {
  if (old.immutable !== true) return
  const why = 'field is immutable when `immutable` is set'
  if (object.immutable !== true) errors.push(fieldError.forbidden(immutablePath, why))
  for (const [path, value, oldValue, of] of data) {
    const isSame = of === 'bytes' ? deepEqual(value, oldValue) : deepEqual(value ?? {}, oldValue ?? {})
    if (!isSame) errors.push(fieldError.forbidden(path, why))
  }
}
