import type { Scope } from '#base'
import { type ResourceRef, type admissionregistration, refs } from '#api'
import type { ObjectReader } from '../../contract.ts'
import type { Follow } from '../../registry/read/follow.ts'
import { selectorOf } from '../webhooks/hooks.ts'
import type { MatchTarget } from '../webhooks/match.ts'

type MatchResources = admissionregistration.MatchResources

interface Named {
  metadata?: { name?: string | undefined } | undefined
}
interface PolicyLike<S> extends Named {
  spec?: S | undefined
}
export interface SpecLike {
  readonly paramKind?: admissionregistration.ParamKind | undefined
  readonly matchConstraints?: MatchResources | undefined
  readonly failurePolicy?: string | undefined
}
export interface BindingSpec {
  readonly policyName?: string | undefined
  readonly paramRef?: admissionregistration.ParamRef | undefined
  readonly matchResources?: MatchResources | undefined
  readonly validationActions?: readonly string[] | undefined
}

/** A policy that is in use, with what is looked at for each request made ready. */
export interface Policy<S extends SpecLike> {
  readonly name: string
  readonly spec: S
  readonly target: MatchTarget
  readonly bindings: readonly Binding[]
}
export interface Binding {
  readonly name: string
  readonly spec: BindingSpec
  /** Undefined: wherever the policy applies. */
  readonly target: MatchTarget | undefined
}

/** The policies that are bound, in the order of their names, as of now. */
export class Policies<S extends SpecLike> {
  readonly #scope: Scope
  readonly #reader: ObjectReader
  readonly #follow: Follow
  readonly #policies: ResourceRef<PolicyLike<S>>
  readonly #bindings: ResourceRef<PolicyLike<BindingSpec>>
  #current: readonly Policy<S>[] | undefined
  #isFollowing = false

  constructor(
    scope: Scope,
    sources: { readonly reader: ObjectReader; readonly follow: Follow },
    policies: ResourceRef<PolicyLike<S>>,
    bindings: ResourceRef<PolicyLike<BindingSpec>>,
  ) {
    this.#scope = scope
    this.#reader = sources.reader
    this.#follow = sources.follow
    this.#policies = policies
    this.#bindings = bindings
  }

  current(): readonly Policy<S>[] {
    if (this.#current !== undefined) return this.#current
    if (!this.#isFollowing) {
      this.#isFollowing = true
      const changed = (): void => {
        this.#current = undefined
      }
      this.#follow(this.#scope, this.#policies, changed)
      this.#follow(this.#scope, this.#bindings, changed)
    }
    const bindings = Map.groupBy(byName(this.#reader.list(this.#bindings)), ({ spec }) => spec?.policyName ?? '')
    this.#current = byName(this.#reader.list(this.#policies)).flatMap(({ metadata, spec }) => {
      const name = metadata?.name ?? ''
      const own = bindings.get(name)
      return own === undefined || spec === undefined ? [] : [policyOf(name, spec, own)]
    })
    return this.#current
  }
}

function byName<T extends Named>(objects: readonly T[]): T[] {
  return objects.toSorted((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
}

function policyOf<S extends SpecLike>(name: string, spec: S, bindings: readonly PolicyLike<BindingSpec>[]): Policy<S> {
  return {
    name,
    spec,
    target: targetOf(spec.matchConstraints ?? {}),
    bindings: bindings.map((binding) => ({
      name: binding.metadata?.name ?? '',
      spec: binding.spec ?? {},
      target: binding.spec?.matchResources === undefined ? undefined : targetOf(binding.spec.matchResources),
    })),
  }
}

const EVERYTHING: MatchTarget['rules'] = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }]

function targetOf({
  namespaceSelector,
  objectSelector,
  resourceRules = [],
  excludeResourceRules,
  matchPolicy,
}: MatchResources): MatchTarget {
  return {
    rules: resourceRules.length === 0 ? EVERYTHING : resourceRules,
    excluded: excludeResourceRules ?? [],
    matchPolicy,
    namespaces: selectorOf(namespaceSelector),
    objects: selectorOf(objectSelector),
  }
}

export const validatingRefs = [refs.validatingadmissionpolicies, refs.validatingadmissionpolicybindings] as const
export const mutatingRefs = [refs.mutatingadmissionpolicies, refs.mutatingadmissionpolicybindings] as const
