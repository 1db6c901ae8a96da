import type { Scope } from '#base'
import type { ResourceRef } from '#api'
import type { Client } from './client.ts'

/** What the server serves, one entry a resource, in the version that its group prefers. */
export interface Discovery {
  readonly resources: readonly DiscoveredResource[]
  /** Group versions that could not be asked (an aggregated server that is down), as `group/version: why`. */
  readonly failures: readonly string[]
}

export interface DiscoveredResource {
  readonly ref: ResourceRef
  /** Its name for one of its objects; empty where the server does not say. */
  readonly singular: string
  readonly verbs: ReadonlySet<string>
  readonly subresources: ReadonlySet<string>
  /** The resource is also served in these versions. */
  readonly otherVersions: readonly string[]
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

interface GroupDocument {
  readonly metadata?: { readonly name?: string }
  readonly versions?: readonly VersionDocument[]
}
interface VersionDocument {
  readonly version: string
  readonly freshness?: string
  readonly resources?: readonly ResourceDocument[]
}
interface ResourceDocument {
  readonly resource: string
  readonly singularResource?: string
  readonly responseKind?: { readonly kind?: string }
  readonly scope: string
  readonly verbs: readonly string[]
  readonly subresources?: readonly { readonly subresource: string }[]
}

/** Two requests, whatever the number of groups. */
export async function discover(scope: Scope, client: Client): Promise<Discovery> {
  const ask = async (path: string): Promise<readonly GroupDocument[]> => {
    const answer = await client.raw(scope, { method: 'GET', path, headers: { accept: AGGREGATED } })
    const document: { readonly items?: readonly GroupDocument[] } = JSON.parse(Buffer.from(answer.body).toString('utf8'))
    return document.items ?? []
  }
  const [core, groups] = await Promise.all([ask('/api'), ask('/apis')])
  return discoveryOf([...core, ...groups])
}

export function discoveryOf(groups: readonly GroupDocument[]): Discovery {
  const found = new Map<string, DiscoveredResource>()
  const failures: string[] = []
  for (const group of groups) {
    const name = group.metadata?.name ?? ''
    for (const { version, freshness, resources = [] } of group.versions ?? []) {
      if (freshness === 'Stale') failures.push(`${name}/${version}: stale GroupVersion discovery: ${name}/${version}`)
      for (const resource of resources) {
        const id = `${name}/${resource.resource}`
        const known = found.get(id)
        // Versions come in the order of preference: the first one is the one to use.
        if (known !== undefined) found.set(id, { ...known, otherVersions: [...known.otherVersions, version] })
        else {
          const ref = {
            group: name,
            version,
            kind: resource.responseKind?.kind ?? '',
            plural: resource.resource,
            namespaced: resource.scope === 'Namespaced',
          }
          const subresources = new Set((resource.subresources ?? []).map(({ subresource }) => subresource))
          found.set(id, {
            ref,
            singular: resource.singularResource ?? '',
            verbs: new Set(resource.verbs),
            subresources,
            otherVersions: [],
          })
        }
      }
    }
  }
  return { resources: [...found.values()], failures }
}
