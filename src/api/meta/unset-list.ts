const UNSET = Symbol('a list that nobody has set')

/** A list that is filled in where an object says nothing of it. */
export function unsetList(): unknown[] {
  return Object.defineProperty([], UNSET, { value: true })
}

/** Whether a list was filled in, and not sent empty: it is written as null either way, and owned by who sent it. */
export function isUnsetList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0 && UNSET in value
}
