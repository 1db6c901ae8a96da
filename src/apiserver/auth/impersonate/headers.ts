import { statusError } from '#api'

/** Whom a request asks to act as. */
export interface WantedUser {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const EXTRA_PREFIX = 'impersonate-extra-'

/** Undefined when the request has no impersonation headers. Refuses (400) parts of a user without a name. */
export function wantedUser(headers: Headers): WantedUser | undefined {
  const name = firstOf(headers['impersonate-user'])
  const uid = firstOf(headers['impersonate-uid'])
  const groups = valuesOf(headers['impersonate-group'])
  const extra: Record<string, string[]> = {}
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(EXTRA_PREFIX)) continue
    const key = unescapeKey(header.slice(EXTRA_PREFIX.length))
    extra[key] = [...(Object.hasOwn(extra, key) ? (extra[key] ?? []) : []), ...valuesOf(value)]
  }
  const wanted = { name, uid, groups, extra }
  if (name !== '') return wanted
  if (uid === '' && groups.length === 0 && Object.keys(extra).length === 0) return undefined
  throw statusError.badRequest(`requested ${asGoValue(wanted)} without impersonating a user name`)
}

/** Cheap test for the usual request, which has none of these headers. */
export function hasImpersonation(headers: Headers): boolean {
  for (const header in headers) if (header.startsWith('impersonate-')) return true
  return false
}

const firstOf = (value: string | readonly string[] | undefined): string => (typeof value === 'string' ? value : (value?.[0] ?? ''))

/**
 * Node joins header lines of the same name with a comma and a space, so a value with these two becomes two. Each is a right of its
 * own that the sender must have, so nothing is gained by it.
 */
const valuesOf = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? value.split(', ') : value

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase()
  } catch {
    return key.toLowerCase()
  }
}

const goList = (texts: readonly string[]): string =>
  texts.length === 0 ? '[]string(nil)' : `[]string{${texts.map((text) => JSON.stringify(text)).join(', ')}}`

function asGoValue({ name, uid, groups, extra }: WantedUser): string {
  const keys = Object.keys(extra).sort()
  const map =
    keys.length === 0
      ? 'map[string][]string(nil)'
      : `map[string][]string{${keys.map((key) => `${JSON.stringify(key)}:${goList(extra[key] ?? [])}`).join(', ')}}`
  return `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, Groups:${goList(groups)}, Extra:${map}}`
}
