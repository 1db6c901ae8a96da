import { type JsonObject, isJsonObject, member } from '../meta/deep.ts'
import { StatusError } from '../meta/status.ts'
import { jsonPatch } from '../patch/json-patch.ts'

interface Operation {
  readonly op?: unknown
  readonly path?: unknown
  readonly from?: unknown
}

/** Applies a JSON patch. Undefined: a test in it found another value, so that nothing is changed. A text: what does not work. */
export function patchBySteps(object: JsonObject, operations: readonly unknown[]): JsonObject | string | undefined {
  let document: unknown = object
  for (const operation of operations) {
    try {
      document = jsonPatch(document, [operation])
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      const why = problemOf(document, isJsonObject(operation) ? operation : {})
      return why === undefined ? undefined : `JSON Patch: ${why}`
    }
  }
  return isJsonObject(document) ? document : 'JSON Patch: the result is not an object'
}

/** Undefined for a test that found another value. */
function problemOf(document: unknown, { op, path, from }: Operation): string | undefined {
  const [place, source] = [textOf(path), textOf(from)]
  switch (op) {
    case 'test':
      return hasParent(document, place) ? undefined : `test operation does not apply: is missing path: ${place}: missing value`
    case 'add':
      return `add operation does not apply: doc is missing path: ${JSON.stringify(place)}: missing value`
    case 'remove':
      return hasParent(document, place)
        ? `error in remove for path: '${place}': unable to remove nonexistent key: ${lastOf(place)}: missing value`
        : `remove operation does not apply: doc is missing path: ${JSON.stringify(place)}: missing value`
    case 'replace':
      return `replace operation does not apply: doc is missing path: ${place}: missing value`
    case 'move':
    case 'copy':
      return `${op} operation does not apply: doc is missing from path: ${source}: missing value`
    default:
      return `Unexpected kind: ${textOf(op)}`
  }
}

function hasParent(document: unknown, path: string): boolean {
  let container = document
  for (const part of path.split('/').slice(1, -1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    container = Array.isArray(container) ? container[Number(name)] : isJsonObject(container) ? member(container, name) : undefined
  }
  return typeof container === 'object' && container !== null
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
