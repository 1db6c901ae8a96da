import type { HttpResponse } from '#base'
import { type KubeObject, encodeProtobuf, metaSchema } from '#api'
import type { Catalog, ServedGroup } from '../registry/catalog.ts'
import type { RequestContext } from '../registry/context.ts'
import { methodNotAllowed, noSuchPath } from '../registry/routing-errors.ts'
import { MEDIA_TYPE_OF, acceptDiscovery } from '../respond/media.ts'
import { encoded } from '../respond/objects.ts'
import type { PathHandler } from '../router/handler.ts'
import { GROUP_DISCOVERY_LIST } from './aggregated-schema.ts'
import { DocumentCache } from './document-cache.ts'
import { type AnnouncedGroup, aggregated, announced, groupList, groupOf, resourceList } from './discovery-documents.ts'
import { type RemoteGroups, mergedGroups } from './merged-groups.ts'

/** `/api`, `/apis` and what lies below them down to the lists of resources. */
export function discoveryPaths(catalog: Catalog, remotes: RemoteGroups, now: () => number): PathHandler {
  const documents = new DocumentCache(
    {
      get version() {
        return catalog.version + remotes.version
      },
    },
    now,
  )
  return (context) => {
    const { path } = context.info
    const segments = path.split('/').filter((segment) => segment !== '')
    if (segments[0] === 'api') return core(context, catalog, documents, segments)
    if (segments[0] === 'apis') return groups(context, catalog, remotes, documents, segments)
    return undefined
  }
}

function core(context: RequestContext, catalog: Catalog, documents: DocumentCache, segments: readonly string[]): HttpResponse | undefined {
  if (segments.length === 1) {
    mustBeGet(context)
    const served = catalog.groups.filter(({ group }) => group === '')
    const found = aggregatedAnswer(context, documents, 'api', () => served.map(announced))
    if (found !== undefined) return found
    const address = context.header('host') ?? ''
    return answer(context, {
      kind: 'APIVersions',
      versions: served.flatMap(({ versions }) => versions.map(({ version }) => version)),
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
    })
  }
  const version = segments[1] ?? ''
  if (segments.length > 2) throw noSuchPath()
  return versionAnswer(context, catalog, documents, '', version)
}

function groups(
  context: RequestContext,
  catalog: Catalog,
  remotes: RemoteGroups,
  documents: DocumentCache,
  segments: readonly string[],
): HttpResponse | undefined {
  const [, group = '', version] = segments
  if (segments.length === 1) {
    // The list of groups is served for every method.
    const merged = (): readonly AnnouncedGroup[] => mergedGroups(catalog, remotes)
    context.isRouted = false
    return (
      aggregatedAnswer(context, documents, 'apis', merged) ??
      answer(
        context,
        documents.of('groups', () => groupList(merged())),
      )
    )
  }
  const served = group === '' ? undefined : mergedGroups(catalog, remotes).find((one) => one.group === group)
  if (served === undefined) return undefined
  // Groups are described for every method.
  if (version === undefined) {
    // By the aggregator, which has a router for its own group alone.
    context.isRouted = group === 'apiregistration.k8s.io'
    return answer(
      context,
      documents.of(`group ${group}`, () => groupOf(served, true)),
    )
  }
  if (segments.length > 3) return undefined
  return versionAnswer(context, catalog, documents, group, version)
}

function versionAnswer(
  context: RequestContext,
  catalog: Catalog,
  documents: DocumentCache,
  group: string,
  version: string,
): HttpResponse | undefined {
  const served = catalog.groups.find((one) => one.group === group)
  const found = served?.versions.find((one) => one.version === version)
  if (found === undefined) {
    // A custom group is a server of its own, which knows nothing of other versions; so is one of another server.
    if (served === undefined || isCustom(served)) return undefined
    throw noSuchPath()
  }
  mustBeGet(context)
  if (served !== undefined && isCustom(served)) context.isRouted = false
  const groupVersion = group === '' ? version : `${group}/${version}`
  return answer(
    context,
    documents.of(`version ${groupVersion}`, () => resourceList(groupVersion, found.resources)),
  )
}

export function isCustom(served: ServedGroup): boolean {
  return served.versions.every(({ resources }) => resources.every(({ typedItems }) => typedItems))
}

function mustBeGet(context: RequestContext): void {
  const { method } = context.request
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
}

function answer(context: RequestContext, spoken: unknown): HttpResponse {
  const document = spoken as KubeObject
  const given = context.accepted(false)
  const accepted = given.form === 'object' ? given : context.core.negotiator.acceptWhole(context.header('accept') ?? '')
  const { kind = '' } = document
  return encoded(context, accepted, 200, Buffer.from(JSON.stringify(document)), () =>
    encodeProtobuf(metaSchema(kind), { apiVersion: 'v1', ...document }),
  )
}

/** The aggregated form, for clients that ask for it at all. */
function aggregatedAnswer(
  context: RequestContext,
  documents: DocumentCache,
  name: string,
  groups: () => readonly AnnouncedGroup[],
): HttpResponse | undefined {
  const header = context.header('accept') ?? ''
  if (!header.includes('APIGroupDiscoveryList')) return undefined
  const accepted = acceptDiscovery(header)
  if (accepted === undefined) return undefined
  const { bytes, etag } = documents.bytes(name, () => aggregated(groups()))
  const headers = {
    'content-type': `${MEDIA_TYPE_OF[accepted.encoding]};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`,
    etag,
    vary: 'Accept',
    'cache-control': 'public',
  }
  if (context.header('if-none-match') === etag) return { status: 304, headers, body: { kind: 'empty' } }
  const binary = (): Uint8Array => encodeProtobuf(GROUP_DISCOVERY_LIST, JSON.parse(Buffer.from(bytes).toString()) as KubeObject)
  const { body } = encoded(context, accepted, 200, Buffer.from(bytes), binary)
  return { status: 200, headers, body }
}
