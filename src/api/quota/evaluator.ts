import type { KubeObject } from '../meta/object.ts'
import type { GroupResource } from '../meta/status.ts'
import type { Amounts } from '../pods/resources.ts'
import type * as core from '../types/core-v1.gen.ts'

/** How quotas measure the objects of one resource. */
export interface QuotaEvaluator {
  /** Those of a quota's names that this resource is measured by. */
  matching(names: readonly string[]): readonly string[]
  matchesScope(scope: core.ScopedResourceSelectorRequirement, object: KubeObject): boolean
  /** What is wrong with an object that is measured by these names and does not state them. */
  problem(names: readonly string[], object: KubeObject): string | undefined
  /** Depends on the time only for pods that should have ended by now. */
  usage(object: KubeObject, nowMs: number): Amounts
  /** Whether this write can raise what is used. */
  charges(write: QuotaWrite): boolean
  /** Whether less may be used after a change than before it. Deletions always count. */
  frees(old: KubeObject, now: KubeObject, nowMs: number): boolean
}

export interface QuotaWrite {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly subresource: string
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
}

/** `count/pods`, `count/deployments.apps`: objects in the store, whatever their state. */
export const objectCountName = ({ group, plural }: GroupResource): string => `count/${plural}${group === '' ? '' : `.${group}`}`

/** Names under which some resources were counted before there was `count/…`. */
const ALIASES: Readonly<Record<string, string>> = {
  configmaps: 'configmaps',
  resourcequotas: 'resourcequotas',
  replicationcontrollers: 'replicationcontrollers',
  secrets: 'secrets',
}

/** The resource that a quota's name counts, when it is a plain count of objects. */
export function countedResource(name: string): GroupResource | undefined {
  if (ALIASES[name] !== undefined) return { group: '', plural: name }
  if (!name.startsWith('count/')) return undefined
  const [plural = '', ...group] = name.slice('count/'.length).split('.')
  return { group: group.join('.'), plural }
}

/** Counts objects and nothing else. */
export function countEvaluator(resource: GroupResource): QuotaEvaluator {
  const alias = resource.group === '' ? ALIASES[resource.plural] : undefined
  const names = [objectCountName(resource), ...(alias === undefined ? [] : [alias])]
  const usage = Object.fromEntries(names.map((name) => [name, '1']))
  return {
    matching: (given) => given.filter((name) => names.includes(name)),
    matchesScope: () => false,
    problem: () => undefined,
    usage: () => usage,
    charges: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    frees: () => false,
  }
}
