import { type Resource, type Subresource, type Verb } from '#api'
import { createHash } from 'node:crypto'
import type { ServedGroup, ServedVersion } from '../registry/catalog.ts'

/** What is served, as documents: computed from the catalog when it has changed. Order and fields are part of what clients rely on. */

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

interface Spoken {
  readonly group: string
  readonly version: string
  readonly kind: string
}

interface AnnouncedSubresource {
  readonly name: string
  readonly verbs: readonly string[]
  readonly speaks: Spoken | undefined
}

function subresourcesOf(resource: Resource): AnnouncedSubresource[] {
  // Custom resources name their status first.
  const first = resource.typedItems ? 'status' : ''
  return Object.entries(resource.subresources)
    .sort(([a], [b]) => (a === first ? -1 : b === first ? 1 : a < b ? -1 : 1))
    .map(([name, subresource]) => {
      const { verbs, speaks } = verbsAndKind(subresource)
      // What is spoken in the resource's own version is told without it.
      const isOwn = speaks?.group === resource.group && speaks.version === resource.version
      return { name, verbs, speaks: speaks !== undefined && isOwn ? { group: '', version: '', kind: speaks.kind } : speaks }
    })
}

function verbsAndKind(subresource: Subresource<never> | Subresource<Resource extends Resource<infer T> ? T : never>): {
  verbs: readonly string[]
  speaks: Spoken | undefined
} {
  switch (subresource.type) {
    case 'status':
    case 'update':
      return { verbs: ['get', 'patch', 'update'], speaks: undefined }
    case 'scale':
      return { verbs: ['get', 'patch', 'update'], speaks: SCALE }
    case 'special':
      return { verbs: subresource.verbs, speaks: subresource.speaks }
    default:
      return subresource satisfies never
  }
}

const BUILT_IN_VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
/** Custom resources list their verbs in another order than built-in ones. */
const CUSTOM_VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const verbsOf = (resource: Resource): string[] =>
  (resource.typedItems ? CUSTOM_VERBS : BUILT_IN_VERBS).filter((verb) => resource.verbs.has(verb))

export function resourceList(groupVersion: string, resources: readonly Resource[]): unknown {
  return {
    kind: 'APIResourceList',
    ...(groupVersion.includes('/') ? { apiVersion: 'v1' } : {}),
    groupVersion,
    resources: resources.flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: verbsOf(resource),
        ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
        ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
        ...(resource.storage === undefined ? {} : { storageVersionHash: storageVersionHash(resource) }),
      },
      ...subresourcesOf(resource).map(({ name, verbs, speaks }) => ({
        name: `${resource.plural}/${name}`,
        singularName: '',
        namespaced: resource.namespaced,
        ...(speaks === undefined || speaks.version === '' ? {} : { group: speaks.group, version: speaks.version }),
        kind: speaks?.kind ?? resource.kind,
        verbs,
      })),
    ]),
  }
}

/** Kinds that kube-apiserver announces as stored in another version than here: clients compare what they are told, not what is stored. */
const ANNOUNCED_VERSION: Readonly<Record<string, string>> = {
  'apiextensions.k8s.io/CustomResourceDefinition': 'v1beta1',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': 'v1beta1',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': 'v1beta1',
}

/** Changes when the stored version of the resource does. */
function storageVersionHash(resource: Resource): string {
  const { group, kind, version: stored } = resource.storage ?? resource
  const version = ANNOUNCED_VERSION[`${group}/${kind}`] ?? stored
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64')
}

/** A group as it is announced, whoever serves its versions. */
export interface AnnouncedGroup {
  readonly group: string
  /** Preferred first. */
  readonly versions: readonly { readonly version: string; readonly document: () => unknown }[]
}

export function announced(served: ServedGroup): AnnouncedGroup {
  const versions = served.versions.map((one) => ({
    version: one.version,
    document: () => ({
      version: one.version,
      resources: one.resources.map((resource) => discovered(resource, one)),
      freshness: 'Current',
    }),
  }))
  return { group: served.group, versions }
}

export function groupOf({ group, versions }: AnnouncedGroup, typed: boolean): unknown {
  const shown = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }))
  return { ...(typed ? { kind: 'APIGroup', apiVersion: 'v1' } : {}), name: group, versions: shown, preferredVersion: shown[0] }
}

export function groupList(groups: readonly AnnouncedGroup[]): unknown {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((one) => groupOf(one, false)) }
}

/** Everything about some groups in one document (`apidiscovery.k8s.io`). */
export function aggregated(groups: readonly AnnouncedGroup[]): unknown {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map(({ document }) => document()),
    })),
  }
}

function discovered(resource: Resource, { version }: ServedVersion): unknown {
  const kindOf = (spoken: Spoken | undefined, fallback: Resource): unknown =>
    spoken === undefined
      ? { group: '', version: '', kind: fallback.kind }
      : { group: spoken.group, version: spoken.version, kind: spoken.kind }
  const subresources = subresourcesOf(resource)
  return {
    resource: resource.plural,
    responseKind: resource.typedItems ? { group: resource.group, version, kind: resource.kind } : kindOf(undefined, resource),
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ name, verbs, speaks }) => ({
            subresource: name,
            responseKind:
              resource.typedItems && speaks === undefined
                ? { group: resource.group, version, kind: resource.kind }
                : kindOf(speaks, resource),
            verbs,
          })),
        }),
  }
}
