import { X509Certificate } from 'node:crypto'
import { UserError } from '#base'
import { type FieldErrors, Path, fieldError } from '#api'
import {
  AUTHENTICATION_CONFIGURATION,
  type AuthenticationConfiguration,
  type AnonymousRules,
  type JwtIssuer,
} from '../authentication-configuration.ts'
import { type IdentityRules, identityRules } from './identity-rules.ts'
import { readDocument } from '../shape.ts'

/** One issuer of tokens, checked and compiled. */
export interface IssuerRules extends IdentityRules {
  readonly url: string
  /** Where its discovery document lies. */
  readonly discoveryUrl: string
  /** PEM. Undefined: those of the system. */
  readonly certificateAuthority: string | undefined
  /** A token must name one of them. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
}
export interface AuthenticationRules {
  readonly issuers: readonly IssuerRules[]
  readonly anonymous: AnonymousRules | undefined
}

export const ALL_ALGORITHMS: readonly string[] = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']
const MOST_ISSUERS = 64

/** Reads a file whole. Throws `UserError` with all that is wrong. `ownIssuers`: those of the service accounts' tokens. */
export function readAuthenticationRules(text: string, file: string, ownIssuers: readonly string[]): AuthenticationRules {
  return checkedRules(readDocument<AuthenticationConfiguration>(text, file, AUTHENTICATION_CONFIGURATION), file, ownIssuers, ALL_ALGORITHMS)
}

export function checkedRules(
  { jwt = [], anonymous }: AuthenticationConfiguration,
  source: string,
  ownIssuers: readonly string[],
  algorithms: readonly string[],
): AuthenticationRules {
  const errors: FieldErrors = []
  const path = Path.of('jwt')
  if (jwt.length > MOST_ISSUERS) errors.push(fieldError.tooMany(path, jwt.length, MOST_ISSUERS))
  const urls = new Set<string>()
  const discoveryUrls = new Set<string>()
  const issuers = jwt.slice(0, MOST_ISSUERS).map((one, at): IssuerRules => {
    const here = path.index(at)
    const rules = issuerRules(one, here, ownIssuers, errors)
    const identity = identityRules(one, here, errors)
    once(urls, rules.url, here.child('issuer').child('url'), errors)
    const { discoveryURL = '' } = one.issuer ?? {}
    if (discoveryURL !== '') once(discoveryUrls, discoveryURL, here.child('issuer').child('discoveryURL'), errors)
    return { ...rules, ...identity, algorithms }
  })
  if (anonymous !== undefined && anonymous.enabled !== true && (anonymous.conditions?.length ?? 0) > 0) {
    const why = 'enabled should be set to true when conditions are defined'
    errors.push(fieldError.invalid(Path.of('anonymous', 'conditions'), anonymous.conditions, why))
  }
  if (errors.length > 0) {
    const [first, ...more] = errors.map(({ field, message }) => `${field}: ${message}`)
    throw new UserError(
      `${source}: ${[first, ...more].join('; ')}`,
      'see https://kubernetes.io/docs/reference/access-authn-authz/authentication/',
    )
  }
  return { issuers, anonymous }
}

function once(seen: Set<string>, value: string, path: Path, errors: FieldErrors): void {
  if (seen.has(value)) errors.push(fieldError.duplicate(path, value))
  seen.add(value)
}

function issuerRules(
  { issuer = {} }: JwtIssuer,
  parent: Path,
  ownIssuers: readonly string[],
  errors: FieldErrors,
): Omit<IssuerRules, keyof IdentityRules | 'algorithms'> {
  const path = parent.child('issuer')
  const {
    url = '',
    discoveryURL = '',
    certificateAuthority = '',
    audiences = [],
    audienceMatchPolicy = '',
    egressSelectorType = '',
  } = issuer
  if (url === '') errors.push(fieldError.required(path.child('url')))
  else {
    const words = `URL must not overlap with disallowed issuers: [${[...ownIssuers].sort().join(' ')}]`
    if (ownIssuers.includes(url)) errors.push(fieldError.invalid(path.child('url'), url, words))
    checkUrl(url, path.child('url'), errors)
  }
  if (discoveryURL !== '') {
    const at = path.child('discoveryURL')
    if (withoutSlashes(url) === withoutSlashes(discoveryURL))
      errors.push(fieldError.invalid(at, discoveryURL, 'discoveryURL must be different from URL'))
    checkUrl(discoveryURL, at, errors)
  }
  checkAudiences(audiences, audienceMatchPolicy, path, errors)
  if (certificateAuthority !== '' && !isPem(certificateAuthority)) {
    const why = '"<omitted>": data does not contain any valid RSA or ECDSA certificates'
    errors.push(fieldError.invalidUnshown(path.child('certificateAuthority'), why))
  }
  if (egressSelectorType !== '') {
    // There is one way out of this server.
    errors.push(fieldError.invalid(path.child('egressSelectorType'), egressSelectorType, 'egress selectors are not supported here'))
  }
  return {
    url,
    discoveryUrl: discoveryURL === '' ? `${url.replace(/\/$/, '')}/.well-known/openid-configuration` : discoveryURL,
    certificateAuthority: certificateAuthority === '' ? undefined : certificateAuthority,
    audiences,
  }
}

const withoutSlashes = (url: string): string => url.replace(/\/+$/, '')

function checkUrl(text: string, path: Path, errors: FieldErrors): void {
  if (!URL.canParse(text)) {
    errors.push(fieldError.invalid(path, text, `parse ${JSON.stringify(text)}: invalid URL`))
    return
  }
  const url = new URL(text)
  if (url.protocol !== 'https:') errors.push(fieldError.invalid(path, text, 'URL scheme must be https'))
  if (url.username !== '' || url.password !== '') errors.push(fieldError.invalid(path, text, 'URL must not contain a username or password'))
  if (url.search !== '') errors.push(fieldError.invalid(path, text, 'URL must not contain a query'))
  if (url.hash !== '') errors.push(fieldError.invalid(path, text, 'URL must not contain a fragment'))
}

function checkAudiences(audiences: readonly string[], policy: string, parent: Path, errors: FieldErrors): void {
  const path = parent.child('audiences')
  if (audiences.length === 0) {
    errors.push(fieldError.required(path, `at least one ${path.toString()} is required`))
    return
  }
  const seen = new Set<string>()
  audiences.forEach((audience, at) => {
    if (audience === '') errors.push(fieldError.required(path.index(at)))
    once(seen, audience, path.index(at), errors)
  })
  const at = parent.child('audienceMatchPolicy')
  if (audiences.length > 1 && policy !== 'MatchAny')
    errors.push(fieldError.invalid(at, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'))
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny')
    errors.push(fieldError.invalid(at, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience'))
}

function isPem(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}
