import type { Scope } from '#base'
import type { KubeObject, ResourceRef } from '#api'
import type { Client } from '#client'

/** As much as is looked at of a Release of `delivery.sampan.io`: that part need not be there. */
export interface SeenRelease extends KubeObject {
  readonly spec?: { readonly service?: string }
  readonly status?: { readonly phase?: string; readonly history?: readonly { readonly time?: string }[] }
}

export const seenReleases: ResourceRef<SeenRelease> = {
  group: 'delivery.sampan.io',
  version: 'v1alpha1',
  kind: 'Release',
  plural: 'releases',
  namespaced: true,
}

/** What was released so long ago is not what broke now. */
const LINKED_WITHIN_MS = 3_600_000
const OVER: ReadonlySet<string> = new Set(['Succeeded', 'RolledBack'])
const UNTOUCHED: ReadonlySet<string> = new Set(['Pending', 'Refused'])

/** The release of the Service that was under way at a time, or else the one that had ended last, not long before. */
export function releaseAt(releases: readonly SeenRelease[], service: string, atMs: number): SeenRelease | undefined {
  const candidates = releases
    .filter(({ spec, status }) => spec?.service === service && !UNTOUCHED.has(status?.phase ?? 'Pending'))
    .map((release) => {
      const lastMs = Date.parse(release.status?.history?.at(-1)?.time ?? '')
      return { release, isOver: OVER.has(release.status?.phase ?? ''), lastMs: Number.isNaN(lastMs) ? 0 : lastMs }
    })
    .sort((a, b) => b.lastMs - a.lastMs)
  const found = candidates.find(({ isOver }) => !isOver) ?? candidates[0]
  return found === undefined || (found.isOver && atMs - found.lastMs > LINKED_WITHIN_MS) ? undefined : found.release
}

/** Undefined where there is none, or nobody here may see it. */
export async function findRelease(
  scope: Scope,
  client: Client,
  namespace: string,
  service: string,
  atMs: number,
): Promise<SeenRelease | undefined> {
  try {
    return releaseAt((await client.resource(seenReleases).list(scope, { namespace })).items, service, atMs)
  } catch {
    scope.check()
    return undefined
  }
}
