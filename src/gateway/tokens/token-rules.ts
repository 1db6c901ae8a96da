import { shown } from '../model/grammar.ts'
import { listed } from '../model/annotations/words.ts'
import { type ClaimRules, readClaimRules } from './claim-rules.ts'
import { ALGORITHMS, type Algorithm } from './key-set.ts'

const PREFIX = 'sampan.io/jwt-'
const NAMES = ['issuer', 'audiences', 'keys', 'algorithms', 'leeway-seconds', 'require', 'headers', 'realm'] as const
export const TOKEN_ANNOTATIONS = NAMES.map((name) => `${PREFIX}${name}`)

/** Where the keys are that tokens are signed with: in an object of the route's own namespace, or at an address. */
export type KeyPlace =
  | { readonly kind: 'configmap' | 'secret'; readonly namespace: string; readonly name: string; readonly key: string }
  | { readonly kind: 'uri'; readonly uri: string }

/** Which tokens let requests pass, and what is told of them. */
export interface TokenRules extends ClaimRules {
  readonly issuer: string
  /** A token is for one of these; undefined: for whomever. */
  readonly audiences: readonly string[] | undefined
  readonly keys: KeyPlace
  readonly algorithms: readonly Algorithm[]
  readonly leewaySeconds: number
  readonly realm: string
}

const DEFAULT_KEY = 'jwks.json'
const DEFAULT_LEEWAY_SECONDS = 30
const MOST_LEEWAY_SECONDS = 300
const MOST_LISTED = 16
const LONGEST_URI = 512

/**
 * Undefined: none are asked for. With a problem nobody may pass: an annotation that is not understood might be the one that keeps somebody out, so any that
 * begins like these and is none of them is a problem too.
 */
export function readTokenRules(
  annotations: Readonly<Record<string, string>>,
  namespace: string,
): TokenRules | { readonly problem: string } | undefined {
  const given = Object.keys(annotations).filter((name) => name.startsWith(PREFIX))
  if (given.length === 0) return undefined
  const of = (name: (typeof NAMES)[number]): string | undefined => annotations[`${PREFIX}${name}`]
  const foreign = given.find((name) => !TOKEN_ANNOTATIONS.includes(name))
  if (foreign !== undefined) return { problem: `${shown(foreign)} is not known` }
  const issuer = of('issuer')?.trim() ?? ''
  if (issuer === '' || issuer.length > LONGEST_URI) return { problem: 'jwt-issuer is to say whose tokens are good' }
  const audiences = listed(of('audiences') ?? '')
  if (audiences.length === 0 || audiences.length > MOST_LISTED)
    return { problem: `jwt-audiences is to say whom tokens are for: 1 to ${MOST_LISTED}, or * for whomever` }
  const keys = placeOf(of('keys')?.trim() ?? '', namespace)
  if ('problem' in keys) return keys
  const words = listed(of('algorithms') ?? ALGORITHMS.join(','))
  const algorithms = ALGORITHMS.filter((name) => words.includes(name))
  const other = words.find((word) => !ALGORITHMS.some((name) => name === word))
  if (other !== undefined || words.length === 0)
    return { problem: `jwt-algorithms ${shown(other ?? '')} is not taken: there are ${ALGORITHMS.join(', ')}` }
  const leeway = of('leeway-seconds') ?? String(DEFAULT_LEEWAY_SECONDS)
  if (!/^\d{1,3}$/.test(leeway) || Number(leeway) > MOST_LEEWAY_SECONDS)
    return { problem: `jwt-leeway-seconds ${shown(leeway)} is no number from 0 to ${MOST_LEEWAY_SECONDS}` }
  const said = readClaimRules('jwt', of('require'), of('headers'))
  if ('problem' in said) return said
  const realm = of('realm') ?? 'gateway'
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(realm))
    return { problem: `jwt-realm ${shown(realm)} is not 1 to 128 ASCII characters without quotes` }
  return {
    issuer,
    audiences: audiences.includes('*') ? undefined : audiences,
    keys,
    algorithms,
    leewaySeconds: Number(leeway),
    ...said,
    realm,
  }
}

function placeOf(text: string, namespace: string): KeyPlace | { readonly problem: string } {
  if (text.startsWith('https://')) {
    const url = URL.canParse(text) && text.length <= LONGEST_URI ? new URL(text) : undefined
    return url === undefined || url.username !== '' || url.password !== '' || url.hash !== ''
      ? { problem: `jwt-keys ${shown(text)} is no address that can be asked` }
      : { kind: 'uri', uri: url.href }
  }
  const [, kind, name = '', key = DEFAULT_KEY] = /^(configmap|secret)\/([a-z0-9.-]{1,253})(?:\/([A-Za-z0-9._-]{1,253}))?$/.exec(text) ?? []
  return kind === 'configmap' || kind === 'secret'
    ? { kind, namespace, name, key }
    : {
        problem: `jwt-keys ${shown(text)} is not taken: it is configmap/NAME or secret/NAME of ${namespace}, perhaps with /KEY, or an address of https`,
      }
}

export const placeKey = (place: KeyPlace): string =>
  place.kind === 'uri' ? place.uri : `${place.kind} ${place.namespace}/${place.name} ${place.key}`
