import type { core } from '#api'

/** Who may ask, and what his password becomes. */
export interface User {
  readonly name: string
  /** `{SHA}…`, `$apr1$SALT$…` or `$1$SALT$…`. */
  readonly hash: string
}

export type ReadUsers = { readonly users: readonly User[] } | { readonly problem: string }

/** What ingress-nginx calls the two forms of such a Secret: all lines of one file, or a key for each user. */
export type UsersForm = 'auth-file' | 'auth-map'

const HASH = /^(?:\{SHA\}[A-Za-z0-9+/]{27}=|\$(?:apr1|1)\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{22})$/
const NAME = /^[\x21-\x39\x3b-\x7e]{1,64}$/
const FILE_KEY = 'auth'
/** They reach the data plane within one word of limited length. */
const MOST_USERS = 64
const LONGEST_BASE64 = 32_768

export function readUsers({ data = {} }: core.Secret, form: UsersForm): ReadUsers {
  const file = data[FILE_KEY]
  if (form === 'auth-file' && file === undefined) return { problem: `it has no key ${FILE_KEY}` }
  const entries =
    form === 'auth-file' ? linesOf(file ?? '') : Object.entries(data).map(([name, text]) => [name, textOf(text).trim()] as const)
  if (entries.length === 0 || entries.length > MOST_USERS)
    return { problem: `it has ${entries.length} users: there are 1 to ${MOST_USERS}` }
  const users: User[] = []
  for (const [name, hash] of entries) {
    // Neither the name nor what is written of a password is anybody's to see.
    if (!NAME.test(name) || !HASH.test(hash))
      return {
        problem: `its user ${users.length + 1} is not taken: passwords are MD5 ($apr1$, as htpasswd writes them, or $1$) or {SHA}, others cost the gateway too much`,
      }
    users.push({ name, hash })
  }
  return { users }
}

function linesOf(file: string): readonly (readonly [string, string])[] {
  return textOf(file)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const at = line.indexOf(':')
      return at === -1 ? ['', ''] : [line.slice(0, at), line.slice(at + 1)]
    })
}

const textOf = (base64: string): string => (base64.length > LONGEST_BASE64 ? '' : Buffer.from(base64, 'base64').toString('latin1'))
