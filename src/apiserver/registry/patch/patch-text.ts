/**
 * A patched document as upstream shows it in refusals: objects that the patch has reached have their keys sorted, others stand as
 * they were. `original` is the document before, whose untouched parts the patched one shares; `sent` are values that the patch has put
 * in as they were written, and that the patched one shares too.
 */
export function patchedText(patched: unknown, original: unknown, sent: readonly unknown[] = []): string {
  return asGoWrites(JSON.stringify(ordered(patched, original, new Set(sent), true)))
}

/** The same for custom resources, which are maps through and through. */
export function sortedText(value: unknown): string {
  const text = JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
  return asGoWrites(text)
}

/** Go's JSON could stand in a page of HTML. */
const asGoWrites = (text: string): string =>
  text.replaceAll(/[<>&\u2028\u2029]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)

function ordered(value: unknown, original: unknown, sent: ReadonlySet<unknown>, isRoot: boolean): unknown {
  if (typeof value !== 'object' || value === null || sent.has(value)) return value
  if (value === original && !isRoot) return value
  if (Array.isArray(value)) return orderedItems(value, Array.isArray(original) ? original : [], sent)
  const before = typeof original === 'object' && original !== null ? (original as Readonly<Record<string, unknown>>) : {}
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(
    entries.map(([key, one]) => {
      const isMetadata = isRoot && key === 'metadata' && one === before[key] && typeof one === 'object' && one !== null
      return [key, isMetadata ? versionInPlace(one) : ordered(one, before[key], sent, false)]
    }),
  )
}

/** Items may have moved. */
function orderedItems(items: readonly unknown[], originals: readonly unknown[], sent: ReadonlySet<unknown>): unknown[] {
  const untouched = new Set(originals)
  return items.map((item, i) => ordered(item, untouched.has(item) ? item : originals[i], sent, false))
}

/** The resourceVersion is put into stored bytes where it costs least; written out it stands behind the uid. */
function versionInPlace(value: object): object {
  const { resourceVersion, ...rest } = value as Record<string, unknown>
  if (resourceVersion === undefined) return value
  const out: Record<string, unknown> = {}
  let placed = false
  for (const [key, one] of Object.entries(rest)) {
    if (!placed && !['name', 'generateName', 'namespace', 'selfLink', 'uid'].includes(key)) {
      out['resourceVersion'] = resourceVersion
      placed = true
    }
    out[key] = one
  }
  return placed ? out : { ...out, resourceVersion }
}

/** A value as Go's `%v` shows a map. */
export function goMap(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `map[${entries.map(([key, one]) => `${key}:${goMap(one)}`).join(' ')}]`
  }
  return value === null ? '<nil>' : String(value)
}
