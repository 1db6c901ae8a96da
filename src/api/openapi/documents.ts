import type { Resource } from '../resource.ts'
import { builtInSchemas } from '../schema/builtin.ts'
import { Components, type Describe } from './components.ts'
import { customComponent, customListComponent } from './custom.ts'
import { type Json, V2, V3 } from './dialect.ts'
import { deleteOptionsKinds, kindsOfEveryGroup } from './every-group.ts'
import { resourcesOperation } from './operations.ts'
import type { PlainDocument } from './plain-documents.ts'
import { type ResourceTypes, groupPath, groupTag, groupTitle, resourcePaths } from './paths.ts'

/**
 * The documents under /openapi, made from the facts and the resources that are served. Descriptions come from the caller.
 * Making one takes milliseconds: the caller keeps it until the resources change.
 */

/** The document of one group and version, served as `/openapi/v3/apis/<group>/<version>`. */
export function openApiV3(resources: readonly Resource[], group: string, version: string, describe?: Describe): Json {
  const components = new Components(V3, describe)
  const paths = groupPaths(resources, group, version, components)
  // A group of custom resources is described by a server of its own.
  if (resources.some((resource) => resource.rules !== undefined && resource.group === group && resource.version === version)) {
    components.addKinds('meta.v1.DeleteOptions', deleteOptionsKinds())
    const info = { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' }
    return { openapi: '3.0.0', info, paths, components: { schemas: components.schemas() } }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: DOCUMENT_VERSION },
    paths,
    components: {
      schemas: components.schemas(),
      securitySchemes: { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } },
    },
  }
}

/** One document of everything, served as `/openapi/v2` with its parameters shared. `plain`: what else is read by everybody. */
export function openApiV2(resources: readonly Resource[], plain: readonly PlainDocument[], describe?: Describe): Json {
  const components = new Components(V2, describe)
  const paths: Record<string, Json> = {}
  for (const { group, version } of groupVersions(resources)) Object.assign(paths, groupPaths(resources, group, version, components))
  for (const document of plain) paths[`/${document.path}/`] = { get: document.operation(components) }
  for (const kind of ['DeleteOptions', 'WatchEvent']) components.addKinds(`meta.v1.${kind}`, kindsOfEveryGroup(kind))
  const sorted = Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: DOCUMENT_VERSION },
    paths: sorted,
    definitions: components.schemas(),
    securityDefinitions: {
      BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  }
}

const DOCUMENT_VERSION = '1.36'

/** The groups and versions that have resources, in their order. */
export function groupVersions(resources: readonly Resource[]): { readonly group: string; readonly version: string }[] {
  const seen = new Map(resources.map(({ group, version }) => [`${group}/${version}`, { group, version }]))
  return [...seen.values()]
}

function groupPaths(resources: readonly Resource[], group: string, version: string, components: Components): Record<string, Json> {
  const served = resources.filter((resource) => resource.group === group && resource.version === version)
  const base = groupPath(group, version)
  const { dialect } = components
  const list = (): Json =>
    resourcesOperation(
      dialect,
      `get${groupTitle(group, version)}APIResources`,
      groupTag(group, version),
      components.builtIn('meta.v1.APIResourceList'),
    )
  const isCustom = served.every((resource) => resource.rules !== undefined)
  const paths: Record<string, Json> = isCustom ? {} : { [`${base}/`]: { get: list() } }
  for (const resource of served) Object.assign(paths, resourcePaths(dialect, resource, typesOf(resource, components)))
  // Version 2 names those of every group at once.
  if (dialect.version === 2) return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)))
  if (!isCustom && served.some((resource) => resource.verbs.has('delete')))
    components.addKinds('meta.v1.DeleteOptions', [{ group, kind: 'DeleteOptions', version }])
  if (!isCustom && served.some((resource) => resource.verbs.has('watch')))
    components.addKinds('meta.v1.WatchEvent', [{ group, kind: 'WatchEvent', version }])
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Types are added to the document when a path asks for them. */
function typesOf(resource: Resource, components: Components): ResourceTypes {
  return {
    object: () => objectType(resource, components),
    list: () => listType(resource, components),
    watchEvent: () => components.builtIn('meta.v1.WatchEvent'),
    status: () => components.builtIn('meta.v1.Status'),
    deleteOptions: () => components.builtIn('meta.v1.DeleteOptions'),
    patch: () => components.value('any:Patch'),
    parameter: (name, of) => components.describe(`parameters ${of}`)?.[1][name] ?? components.describe('parameters')?.[1][name],
    subresource: (name) => {
      const subresource = resource.subresources[name]
      const spoken = subresource?.type === 'scale' ? SCALE : subresource?.type === 'special' ? subresource.speaks : undefined
      const type = spoken === undefined ? undefined : builtInSchemas.facts.kinds[`${spoken.group}/${spoken.version}/${spoken.kind}`]
      return type === undefined ? objectType(resource, components) : components.builtIn(type)
    },
  }
}

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const

function objectType(resource: Resource, components: Components): Json {
  const { group, version, kind, rules } = resource
  const type = builtInType(resource, kind)
  if (type !== undefined) return components.builtIn(type)
  return components.add(`${customName(group, version)}.${kind}`, () => customComponent(resource, rules ?? {}, components))
}

function listType(resource: Resource, components: Components): Json {
  const { group, version, listKind } = resource
  const type = builtInType(resource, listKind)
  if (type !== undefined) return components.builtIn(type)
  const item = objectType(resource, components)
  return components.add(`${customName(group, version)}.${listKind}`, () => customListComponent(resource, item, components))
}

/** A custom resource may have the name of a built-in kind, but not its schema. */
function builtInType({ group, version, schema }: Resource, kind: string): string | undefined {
  return builtInSchemas.openApiName(schema) === undefined ? undefined : builtInSchemas.facts.kinds[`${group}/${version}/${kind}`]
}

/** `com.example.v1` of `example.com/v1`. */
function customName(group: string, version: string): string {
  return [...group.split('.').reverse(), version].join('.')
}
