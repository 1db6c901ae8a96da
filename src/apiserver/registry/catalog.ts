import type { Resource } from '#api'
import { UserError } from '#base'

export interface ServedVersion {
  readonly version: string
  readonly resources: readonly Resource[]
}
export interface ServedGroup {
  readonly group: string
  /** Preferred first. */
  readonly versions: readonly ServedVersion[]
}

/** Groups in the order of their priority, as kube-apiserver announces them; others come after these, by name. */
const GROUP_ORDER: readonly string[] = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
]

/** The resources that are served now. Built-in kinds are there from the start; those of CustomResourceDefinitions come and go. */
export class Catalog {
  readonly #resources = new Map<string, Resource>()
  readonly #byKind = new Map<string, Resource>()
  #version = 0
  #groups: readonly ServedGroup[] | undefined

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) this.add(resource)
  }

  /** Rises with each change: for answers that are computed from the catalog and kept. */
  get version(): number {
    return this.#version
  }

  add(resource: Resource): void {
    const key = keyOf(resource.group, resource.version, resource.plural)
    if (this.#resources.has(key)) throw new UserError(`${key} is served already`)
    this.#put(key, resource)
  }
  /** Adds it, or takes the place of the one with the same name. */
  replace(resource: Resource): void {
    this.#put(keyOf(resource.group, resource.version, resource.plural), resource)
  }
  remove(group: string, version: string, plural: string): void {
    const key = keyOf(group, version, plural)
    const present = this.#resources.get(key)
    if (present === undefined) return
    this.#resources.delete(key)
    this.#byKind.delete(keyOf(group, version, present.kind))
    this.#changed()
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(keyOf(group, version, plural))
  }
  findKind(group: string, version: string, kind: string): Resource | undefined {
    return this.#byKind.get(keyOf(group, version, kind))
  }
  /** In any version: the kind is known, whether or not this version of it is served. */
  knowsKind(group: string, kind: string): boolean {
    return this.groups.some(
      (one) => one.group === group && one.versions.some(({ resources }) => resources.some((resource) => resource.kind === kind)),
    )
  }
  hasGroup(group: string): boolean {
    return this.groups.some((one) => one.group === group)
  }
  /** Whether the group has custom resources only: it is served as one that knows no other paths. */
  isCustom(group: string): boolean {
    const served = this.groups.find((one) => one.group === group)
    return served !== undefined && served.versions.every(({ resources }) => resources.every(({ typedItems }) => typedItems))
  }
  hasVersion(group: string, version: string): boolean {
    return this.groups.some((one) => one.group === group && one.versions.some((served) => served.version === version))
  }

  get all(): Iterable<Resource> {
    return this.#resources.values()
  }

  /** In the order in which they are announced: the order of the list that was given, custom groups behind it. */
  get groups(): readonly ServedGroup[] {
    if (this.#groups !== undefined) return this.#groups
    const groups = new Map<string, Map<string, Resource[]>>()
    for (const resource of this.#resources.values()) {
      const versions = groups.get(resource.group) ?? new Map<string, Resource[]>()
      groups.set(resource.group, versions)
      const resources = versions.get(resource.version)
      if (resources === undefined) versions.set(resource.version, [resource])
      else resources.push(resource)
    }
    const rank = (group: string): number => (GROUP_ORDER.includes(group) ? GROUP_ORDER.indexOf(group) : GROUP_ORDER.length)
    const ordered = [...groups].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    this.#groups = ordered.map(([group, versions]) => ({
      group,
      versions: [...versions]
        .map(([version, resources]) => ({ version, resources: resources.sort((a, b) => (a.plural < b.plural ? -1 : 1)) }))
        .sort((a, b) => compareVersions(b.version, a.version)),
    }))
    return this.#groups
  }

  #put(key: string, resource: Resource): void {
    this.#resources.set(key, resource)
    // The kind belongs to the resource that is stored: `bindings` and the like only speak it.
    const byKind = keyOf(resource.group, resource.version, resource.kind)
    if (resource.storage !== undefined || !this.#byKind.has(byKind)) this.#byKind.set(byKind, resource)
    this.#changed()
  }
  #changed(): void {
    this.#version++
    this.#groups = undefined
  }
}

const keyOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`

/** Kubernetes' order of versions: v2 over v1 over v2beta1 over v1alpha1 over anything else (which sort backwards by name). Positive when `a` is preferred. */
export function compareVersions(a: string, b: string): number {
  const x = VERSION.exec(a)
  const y = VERSION.exec(b)
  if (x === null || y === null) return x !== null ? 1 : y !== null ? -1 : b < a ? -1 : b > a ? 1 : 0
  const stage = (found: RegExpExecArray): number => (found[2] === undefined ? 2 : found[2] === 'beta' ? 1 : 0)
  return stage(x) - stage(y) || Number(x[1]) - Number(y[1]) || Number(x[3] ?? 0) - Number(y[3] ?? 0)
}
const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/
