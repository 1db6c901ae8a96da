import { messageOf } from '#base'
import { type KubeObject, type Resource, labelSelectorOf } from '#api'
import type { AdmissionRequest, ObjectReader } from '../../contract.ts'
import { matchedBy } from '../webhooks/match.ts'
import type { Binding, Policy, SpecLike } from './policies.ts'

export interface PolicySources {
  readonly reader: ObjectReader
  /** All served versions of the kind. */
  readonly equivalents: (resource: Resource) => readonly Resource[]
  /** The resource of a kind that is served now. */
  readonly findKind: (apiVersion: string, kind: string) => Resource | undefined
}

/** A policy that is asked about a request, with one of its parameters; or one that cannot be asked. */
export interface Invocation<P> {
  readonly policy: P
  readonly binding: Binding | undefined
  readonly ask: Ask | undefined
  /** Why it cannot be asked. */
  readonly problem: string
}
export interface Ask {
  /** The version in which it is asked. */
  readonly resource: Resource
  readonly params: { readonly object: KubeObject; readonly resource: Resource } | undefined
}

/** Who is asked about a request, in order. */
export function invocationsFor<S extends SpecLike>(
  policies: readonly Policy<S>[],
  request: AdmissionRequest,
  sources: PolicySources,
): Invocation<Policy<S>>[] {
  return policies.flatMap((policy) => {
    const failed = (problem: string, binding?: Binding): Invocation<Policy<S>> => ({ policy, binding, problem, ask: undefined })
    let resource: Resource | undefined
    try {
      resource = matchedBy(policy.target, request, sources.reader, sources.equivalents)
    } catch (error) {
      return [failed(messageOf(error))]
    }
    if (resource === undefined) return []
    const within = resource
    const { paramKind } = policy.spec
    const of = paramKind === undefined ? undefined : sources.findKind(paramKind.apiVersion ?? '', paramKind.kind ?? '')
    if (paramKind !== undefined && of === undefined)
      return [failed(`failed to find resource referenced by paramKind: '${kindText(paramKind.apiVersion ?? '', paramKind.kind ?? '')}'`)]
    return policy.bindings.flatMap((binding) => {
      try {
        const { target } = binding
        if (target !== undefined && matchedBy(target, request, sources.reader, sources.equivalents) === undefined) return []
        return paramsOf(of, binding, request, sources.reader).map((params) => ({
          policy,
          binding,
          problem: '',
          ask: { resource: within, params: params === undefined || of === undefined ? undefined : { object: params, resource: of } },
        }))
      } catch (error) {
        return [failed(messageOf(error), binding)]
      }
    })
  })
}

const kindText = (apiVersion: string, kind: string): string => `${apiVersion}, Kind=${kind}`

class ParamsProblem extends Error {}

/** What the policy is asked with: once without parameters, or once with each. Throws ParamsProblem. */
function paramsOf(
  resource: Resource | undefined,
  { spec }: Binding,
  request: AdmissionRequest,
  reader: ObjectReader,
): readonly (KubeObject | undefined)[] {
  const ref = spec.paramRef
  if (resource === undefined || ref === undefined) return [undefined]
  const { name = '', namespace = '', selector, parameterNotFoundAction } = ref
  if (!resource.namespaced && namespace !== '')
    throw new ParamsProblem('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  const within = namespace === '' ? request.namespace : namespace
  if (resource.namespaced && within === '')
    throw new ParamsProblem('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  if (name === '' && selector === undefined) throw new ParamsProblem('one of name or selector must be provided')
  const place = resource.namespaced ? within : ''
  const found = selector === undefined ? [reader.get(resource, place, name)].filter((one) => one !== undefined) : select(selector)
  if (found.length === 0 && parameterNotFoundAction === 'Deny')
    throw new ParamsProblem('no params found for policy binding with `Deny` parameterNotFoundAction')
  return found

  function select(by: Parameters<typeof labelSelectorOf>[0]): readonly KubeObject[] {
    const labels = labelSelectorOf(by)
    return reader.list(resource as Resource, place).filter(({ metadata }) => labels.matches(metadata?.labels))
  }
}
