import {
  type FieldErrors,
  type IdentityExpression,
  IdentityProblem,
  type IdentityVariable,
  type Path,
  compileIdentity,
  domainPrefixedPathErrors,
  fieldError,
} from '#api'
import type { JwtIssuer, PrefixedClaim } from '../authentication-configuration.ts'

/** How claims become a user, compiled. */
export interface IdentityRules {
  readonly username: ClaimSource
  readonly groups: ClaimSource | undefined
  readonly uid: ClaimSource | undefined
  readonly extra: readonly { readonly key: string; readonly expression: IdentityExpression }[]
  /** Claims that must have these values. */
  readonly required: ReadonlyMap<string, string>
  readonly claimChecks: readonly RuleCheck[]
  readonly userChecks: readonly RuleCheck[]
}
export type ClaimSource = { readonly claim: string; readonly prefix: string } | { readonly expression: IdentityExpression }
export interface RuleCheck {
  readonly expression: IdentityExpression
  readonly message: string
}

const EITHER = "claim and expression can't both be set"
const ONE = 'claim or expression is required'
const UNVERIFIED =
  'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression'

/** Checks and compiles; the rules are of use only when there are no errors. */
export function identityRules(issuer: JwtIssuer, path: Path, errors: FieldErrors): IdentityRules {
  const required = new Map<string, string>()
  const claimChecks = claimRules(issuer, path.child('claimValidationRules'), required, errors)
  const mappings = issuer.claimMappings ?? {}
  const at = path.child('claimMappings')
  const username = claimSource(mappings.username, at.child('username'), true, errors)
  const groups = claimSource(mappings.groups, at.child('groups'), false, errors)
  const uid = uidSource(mappings.uid, at.child('uid'), errors)
  const extra = extraSources(mappings.extra ?? [], at.child('extra'), errors)
  const name = username !== undefined && 'expression' in username ? username.expression : undefined
  if (name?.mentions('email')) {
    const others = [name, ...extra.map(({ expression }) => expression), ...claimChecks.map(({ expression }) => expression)]
    if (!others.some((one) => one.mentions('email_verified')))
      errors.push(fieldError.invalid(at.child('username').child('expression'), name.source, UNVERIFIED))
  }
  const userChecks = userRules(issuer, path.child('userValidationRules'), errors)
  return { username: username ?? { claim: '', prefix: '' }, groups, uid, extra, required, claimChecks, userChecks }
}

function compiled(
  source: string,
  variable: IdentityVariable,
  wanted: 'bool' | 'anything',
  path: Path,
  errors: FieldErrors,
): IdentityExpression | undefined {
  const expression = compileIdentity(source, variable, wanted)
  if (!(expression instanceof IdentityProblem)) return expression
  errors.push(fieldError.invalid(path, source, expression.text))
  return undefined
}

function claimRules({ claimValidationRules = [] }: JwtIssuer, path: Path, required: Map<string, string>, errors: FieldErrors): RuleCheck[] {
  const expressions = new Set<string>()
  return claimValidationRules.flatMap(({ claim = '', requiredValue = '', expression = '', message = '' }, index) => {
    const at = path.index(index)
    if (claim !== '' && expression !== '') errors.push(fieldError.invalid(at, claim, EITHER))
    else if (claim === '' && expression === '') errors.push(fieldError.required(at, ONE))
    else if (claim !== '') {
      if (message !== '') errors.push(fieldError.invalid(at.child('message'), message, 'may not be specified when claim is set'))
      if (required.has(claim)) errors.push(fieldError.duplicate(at.child('claim'), claim))
      required.set(claim, requiredValue)
    } else {
      if (requiredValue !== '')
        errors.push(fieldError.invalid(at.child('requiredValue'), requiredValue, 'may not be specified when expression is set'))
      return check(expression, message, 'claims', at.child('expression'), expressions, errors)
    }
    return []
  })
}

function check(
  source: string,
  message: string,
  variable: IdentityVariable,
  path: Path,
  seen: Set<string>,
  errors: FieldErrors,
): RuleCheck[] {
  if (seen.has(source)) {
    errors.push(fieldError.duplicate(path, source))
    return []
  }
  seen.add(source)
  const expression = compiled(source, variable, 'bool', path, errors)
  return expression === undefined ? [] : [{ expression, message }]
}

function claimSource(mapping: PrefixedClaim | undefined, path: Path, isRequired: boolean, errors: FieldErrors): ClaimSource | undefined {
  const { claim = '', prefix, expression: source = '' } = mapping ?? {}
  if (source !== '' && claim !== '') errors.push(fieldError.invalid(path, '', EITHER))
  else if (source !== '') {
    if (prefix !== undefined) errors.push(fieldError.invalid(path.child('prefix'), prefix, 'may not be specified when expression is set'))
    const expression = compiled(source, 'claims', 'anything', path.child('expression'), errors)
    return expression && { expression }
  } else if (claim !== '') {
    if (prefix !== undefined) return { claim, prefix }
    const why = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing'
    errors.push(fieldError.required(path.child('prefix'), why))
  } else if (isRequired) errors.push(fieldError.required(path, ONE))
  return undefined
}

type Mappings = NonNullable<JwtIssuer['claimMappings']>

function uidSource(mapping: Mappings['uid'], path: Path, errors: FieldErrors): ClaimSource | undefined {
  const { claim = '', expression: source = '' } = mapping ?? {}
  if (claim !== '' && source !== '') errors.push(fieldError.invalid(path, '', EITHER))
  else if (source !== '') {
    const expression = compiled(source, 'claims', 'anything', path.child('expression'), errors)
    return expression && { expression }
  } else if (claim !== '') return { claim, prefix: '' }
  return undefined
}

function extraSources(extra: NonNullable<Mappings['extra']>, path: Path, errors: FieldErrors): IdentityRules['extra'] {
  const seen = new Set<string>()
  return extra.flatMap(({ key = '', valueExpression = '' }, index) => {
    const at = path.index(index)
    const here = at.child('key')
    if (key === '') errors.push(fieldError.required(here))
    else for (const why of domainPrefixedPathErrors(key)) errors.push(fieldError.invalid(here, key, why))
    if (key !== key.toLowerCase()) errors.push(fieldError.invalid(here, key, 'must be lowercase'))
    if (/^(?:[^/]*\.)?(?:kubernetes|k8s)\.io\//.test(key))
      errors.push(fieldError.invalid(here, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'))
    if (seen.has(key)) {
      errors.push(fieldError.duplicate(here, key))
      return []
    }
    seen.add(key)
    if (valueExpression === '') {
      errors.push(fieldError.required(at.child('valueExpression')))
      return []
    }
    const expression = compiled(valueExpression, 'claims', 'anything', at.child('valueExpression'), errors)
    return expression === undefined ? [] : [{ key, expression }]
  })
}

function userRules({ userValidationRules = [] }: JwtIssuer, path: Path, errors: FieldErrors): RuleCheck[] {
  const seen = new Set<string>()
  return userValidationRules.flatMap(({ expression = '', message = '' }, index) => {
    const at = path.index(index).child('expression')
    if (expression !== '') return check(expression, message, 'user', at, seen, errors)
    errors.push(fieldError.required(at))
    return []
  })
}
