import { type BasicAuth, type Condition, type Rule, answers } from '#routing'
import { shown } from '../grammar.ts'
import type { ReadUsers, UsersForm } from '../users.ts'

const PREFIX = 'nginx.ingress.kubernetes.io/'
const ALLOWED = ['whitelist-source-range', 'allowlist-source-range'] as const
const DENIED = 'denylist-source-range'
/** What keeps people out elsewhere and cannot be done here: whoever wrote it must not find the door open. */
const NOT_DONE = ['auth-url', 'auth-tls-secret', 'auth-tls-verify-client', 'auth-snippet'] as const
export const ACCESS_ANNOTATIONS = ['auth-type', 'auth-secret', 'auth-secret-type', 'auth-realm', ...ALLOWED, DENIED, ...NOT_DONE].map(
  (name) => `${PREFIX}${name}`,
)

/** Who may ask for the routes of an Ingress. */
export interface Access {
  /** They answer before anything else of the route does. */
  readonly guards: readonly Rule[]
  readonly auth?: BasicAuth
}

const REALM = 'Authentication Required'
const MOST_RANGES = 64

/** `namespace/name` of the Secret with names and passwords; undefined: there is none, or it is of another namespace, which nobody is to reach into. */
export function usersSecretOf(annotations: Readonly<Record<string, string>>, namespace: string): string | undefined {
  const named = annotations[`${PREFIX}auth-type`] === undefined ? undefined : annotations[`${PREFIX}auth-secret`]
  const [, of = namespace, name] = /^(?:([a-z0-9.-]+)\/)?([a-z0-9.-]{1,253})$/.exec(named ?? '') ?? []
  return name === undefined || of !== namespace ? undefined : `${namespace}/${name}`
}

/** Undefined: everybody. With a problem nobody may ask: who cannot be told from others is not let in. */
export function readAccess(
  annotations: Readonly<Record<string, string>>,
  namespace: string,
  usersIn: (secret: string, form: UsersForm) => ReadUsers | undefined,
): Access | { readonly problem: string } | undefined {
  const of = (name: string): string | undefined => annotations[`${PREFIX}${name}`]
  const foreign = NOT_DONE.find((name) => of(name) !== undefined)
  if (foreign !== undefined) return { problem: `${foreign} is not done here` }
  const guards: Rule[] = []
  const denied = { action: { kind: 'forward', to: [{ backend: answers(403), weight: 1 }] } } as const
  for (const name of [DENIED, ...ALLOWED]) {
    const text = of(name)
    if (text === undefined) continue
    const ranges = readRanges(text)
    if ('problem' in ranges) return { problem: `${name}: ${ranges.problem}` }
    const among: Condition = { kind: 'any', of: ranges.of }
    guards.push({ when: name === DENIED ? among : { kind: 'not', of: among }, ...denied })
  }
  const type = of('auth-type')
  if (type === undefined) return guards.length === 0 ? undefined : { guards }
  if (type !== 'basic') return { problem: `auth-type ${shown(type)} is not done here: basic is` }
  const secret = usersSecretOf(annotations, namespace)
  if (secret === undefined) return { problem: `auth-secret ${shown(of('auth-secret') ?? '')} is no Secret of ${namespace}` }
  const form = of('auth-secret-type') ?? 'auth-file'
  if (form !== 'auth-file' && form !== 'auth-map') return { problem: `auth-secret-type ${shown(form)} is not known` }
  const realm = of('auth-realm') ?? REALM
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(realm))
    return { problem: `auth-realm ${shown(realm)} is not 1 to 128 ASCII characters without quotes` }
  const read = usersIn(secret, form)
  if (read === undefined || 'problem' in read)
    return { problem: `the Secret ${shown(secret)} is not used: ${read?.problem ?? 'it was not read yet'}` }
  return { guards, auth: { realm, users: read.users } }
}

/** Networks of IPv4. Those of IPv6 are nobody's here: clients come over IPv4. */
function readRanges(text: string): { readonly of: readonly Condition[] } | { readonly problem: string } {
  const words = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  if (words.length === 0 || words.length > MOST_RANGES)
    return { problem: `there are ${words.length} ranges: there may be 1 to ${MOST_RANGES}` }
  const of: Condition[] = []
  for (const word of words) {
    const [, address = '', bits = '32'] = /^(\d{1,3}(?:\.\d{1,3}){3})(?:\/(\d{1,2}))?$/.exec(word) ?? []
    const isNetwork = address !== '' && Number(bits) <= 32 && address.split('.').every((part) => Number(part) <= 255)
    if (isNetwork) of.push({ kind: 'source', address, bits: Number(bits) })
    else if (!/^[0-9a-f:]*:[0-9a-f:.]*(?:\/\d{1,3})?$/i.test(word)) return { problem: `${shown(word)} is no range of addresses` }
  }
  return { of }
}
