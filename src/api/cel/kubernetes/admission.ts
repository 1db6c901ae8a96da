import { CompileProblem, compile, programOf } from '../compile.ts'
import type { Program } from '../eval/plan.ts'
import { AUTHORIZATION_TYPES } from '../library/kubernetes/authorization.ts'
import type { Environment } from '../types/environment.ts'
import { type CelType, listType, mapType, opaqueType, structType, TYPES, typeName } from '../types/type.ts'
import { kubernetesEnvironment } from './environment.ts'
import { patchEnvironment } from './patch-types.ts'

/** Which variables an expression over a request has, beside the object, the old one, the request and its namespace. */
export interface AdmissionVariables {
  readonly hasParams?: boolean
  readonly hasAuthorizer?: boolean
  /** Whether the authorizer's answer for the request itself is there too. Default true. */
  readonly hasRequestCheck?: boolean
  /** Of the object and the old one, and of the parameters, where they are known; anything otherwise. */
  readonly object?: CelType
  readonly params?: CelType
  /** Whether it makes patches: objects of any type, and JSON patches. */
  readonly makesPatches?: boolean
  /** The variables of a policy, as far as they are known; absent when there is no `variables`. */
  readonly variables?: ReadonlyMap<string, CelType>
}

type Fields = Readonly<Record<string, CelType>>
const record = (name: string, fields: Fields): CelType =>
  structType(`kubernetes.${name}`, (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined))

const { string, int, timestamp, bool, dyn } = TYPES
const STRINGS = listType(string)
const kindType = record('GroupVersionKind', { group: string, version: string, kind: string })
const resourceType = record('GroupVersionResource', { group: string, version: string, resource: string })
const requestType = record('AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: string,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: record('UserInfo', { username: string, uid: string, groups: STRINGS, extra: mapType(string, STRINGS) }),
  dryRun: bool,
  options: dyn,
})
const namespaceType = record('Namespace', {
  metadata: record('NamespaceMetadata', {
    name: string,
    generateName: string,
    namespace: string,
    labels: mapType(string, string),
    annotations: mapType(string, string),
    UID: string,
    creationTimestamp: timestamp,
    deletionGracePeriodSeconds: int,
    deletionTimestamp: timestamp,
    generation: int,
    resourceVersion: string,
    finalizers: STRINGS,
  }),
  spec: record('NamespaceSpec', { finalizers: STRINGS }),
  status: record('NamespaceStatus', {
    conditions: listType(
      record('NamespaceCondition', { status: string, type: string, lastTransitionTime: timestamp, message: string, reason: string }),
    ),
    phase: string,
  }),
})

const bases = new Map<boolean, Environment>()

function baseFor(makesPatches: boolean): Environment {
  let base = bases.get(makesPatches)
  if (base === undefined) {
    base = makesPatches ? patchEnvironment(kubernetesEnvironment({ forPatches: true })) : kubernetesEnvironment()
    bases.set(makesPatches, base)
  }
  return base
}

function environmentFor(given: AdmissionVariables): Environment {
  const { hasParams, hasAuthorizer, hasRequestCheck = true, makesPatches, variables, object = dyn, params = dyn } = given
  const types: Record<string, CelType> = { object, oldObject: object, namespaceObject: namespaceType, request: requestType }
  if (hasParams === true) types['params'] = params
  if (hasAuthorizer === true) {
    types['authorizer'] = opaqueType(AUTHORIZATION_TYPES.authorizer)
    if (hasRequestCheck) types['authorizer.requestResource'] = opaqueType(AUTHORIZATION_TYPES.resource)
  }
  if (variables !== undefined) types['variables'] = structType('kubernetes.variables', (name) => variables.get(name))
  return { ...baseFor(makesPatches === true), variable: (name) => (Object.hasOwn(types, name) ? types[name] : undefined) }
}

export interface AdmissionExpression {
  readonly source: string
  readonly program: Program
  readonly type: CelType
}

/** Why an expression cannot be used, in the words that come behind its field. */
export class AdmissionProblem {
  readonly text: string
  /** Of what checking had found out before. */
  readonly type: CelType | undefined
  constructor(text: string, type?: CelType) {
    this.text = text
    this.type = type
  }
}

/** Makes an expression over a request ready. `wanted`: what it must come to; any of these types, or anything. */
export function compileAdmission(
  source: string,
  variables: AdmissionVariables,
  wanted: readonly CelType[] | 'anything',
): AdmissionExpression | AdmissionProblem {
  const expression = compile(source, environmentFor(variables))
  if (expression instanceof CompileProblem) return new AdmissionProblem(`compilation failed: ${expression.text}`)
  const type = expression.outputType
  if (wanted !== 'anything' && !wanted.some((one) => typeName(one) === typeName(type))) {
    const names = wanted.map(typeName)
    const text = names.length === 1 ? `must evaluate to ${names[0]}` : `must evaluate to one of [${names.join(' ')}]`
    return new AdmissionProblem(`${text} but got ${typeName(type)}`, type)
  }
  const program = programOf(expression)
  return typeof program === 'string' ? new AdmissionProblem(`program instantiation failed: ${program}`, type) : { source, program, type }
}

/** The type of an expression over a request, or what is wrong with it: it is not made ready. */
export function checkAdmission(source: string, variables: AdmissionVariables): CelType | AdmissionProblem {
  const expression = compile(source, environmentFor(variables))
  return expression instanceof CompileProblem ? new AdmissionProblem(expression.text) : expression.outputType
}

/** A condition of a webhook or a policy. */
export function compileMatchCondition(source: string, hasParams: boolean): AdmissionExpression | AdmissionProblem {
  return compileAdmission(source, { hasParams, hasAuthorizer: true }, [bool])
}

/** The type under which other expressions of a policy see a variable: containers keep theirs, types of their own are any. */
export function variableType(type: CelType | undefined): CelType {
  if (type === undefined) return dyn
  switch (type.kind) {
    case 'list':
    case 'map':
      return { ...type, params: type.params.map(variableType) }
    case 'opaque':
    case 'struct':
    case 'type':
    case 'param':
    case 'error':
      return dyn
    default:
      return type
  }
}
