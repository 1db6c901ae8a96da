import type { Facts } from '../../src/api/schema/facts.ts'
import type { ResourceFact, SubresourceFact } from '../../src/api/schema/resource-facts.ts'
import type { DiscoveryResource, Input } from './input.ts'
import { table } from './table.ts'

export function buildResources(input: Input, facts: Facts): ResourceFact[] {
  const resources: ResourceFact[] = []
  for (const list of [input.discovery.api, input.discovery.apis]) {
    for (const { metadata, versions } of list.items) {
      const group = metadata.name ?? ''
      versions.forEach(({ version, resources: served }, at) => {
        for (const resource of served) {
          resources.push(resourceFact(resource, group, version, at === 0, facts, deletesWithObject(input, group, version, resource)))
        }
      })
    }
  }
  return resources
}

function resourceFact(
  from: DiscoveryResource,
  group: string,
  version: string,
  preferred: boolean,
  facts: Facts,
  deletedObject: boolean,
): ResourceFact {
  const { kind } = from.responseKind
  return {
    group,
    version,
    ...(preferred ? { preferred } : {}),
    kind,
    ...(facts.kinds[`${group}/${version}/${kind}List`] === undefined ? {} : { listKind: `${kind}List` }),
    plural: from.resource,
    singular: from.singularResource,
    namespaced: from.scope === 'Namespaced',
    ...(from.shortNames === undefined ? {} : { shortNames: from.shortNames }),
    ...(from.categories === undefined ? {} : { categories: from.categories }),
    verbs: from.verbs,
    ...(deletedObject ? { deletedObject } : {}),
    ...(from.subresources === undefined
      ? {}
      : { subresources: Object.fromEntries(from.subresources.map((one) => [one.subresource, subresourceFact(one, group, version)])) }),
  }
}

/** Whether DELETE of one object is documented to answer with an object of the kind. */
function deletesWithObject(input: Input, group: string, version: string, resource: DiscoveryResource): boolean {
  const home = group === '' ? `api/${version}` : `apis/${group}/${version}`
  const path = `/${home}${resource.scope === 'Namespaced' ? '/namespaces/{namespace}' : ''}/${resource.resource}/{name}`
  const item = input.openApi[home]?.paths?.[path] as DeletePath | undefined
  const answer = item?.delete?.responses?.['200']?.content?.['application/json']?.schema?.$ref
  return answer?.endsWith(`.${resource.responseKind.kind}`) ?? false
}

interface DeletePath {
  readonly delete?: {
    readonly responses?: Readonly<
      Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: { readonly $ref?: string } }>> }>
    >
  }
}

function subresourceFact(one: NonNullable<DiscoveryResource['subresources']>[number], group: string, version: string): SubresourceFact {
  const kind = one.responseKind
  return {
    verbs: one.verbs,
    ...(kind === undefined
      ? {}
      : {
          speaks: kind.version === '' ? { group, version, kind: kind.kind } : { group: kind.group, version: kind.version, kind: kind.kind },
        }),
  }
}

export function resourcesFile(resources: readonly ResourceFact[]): string {
  return table({ resources })
}
