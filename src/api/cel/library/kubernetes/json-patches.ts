import type { Library } from '../../types/functions.ts'

/** A key as it stands in a JSON pointer. */
export const jsonPatches: Library = [
  [
    'jsonpatch.escapeKey',
    'string_jsonpatch_escapeKey_string',
    '(string) -> string',
    (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'),
  ],
]
