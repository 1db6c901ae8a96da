import { type KubeObject, type OtherVersion, type Resource, UnfitVersion, apiVersionOf, checkApplied } from '#api'
import type { Catalog } from '../catalog.ts'

/** The other versions of a kind in which its managers may have written. Undefined for one that is not served. */
export function otherVersions(catalog: Catalog, resource: Resource): (apiVersion: string) => OtherVersion | undefined {
  return (apiVersion) => {
    const slash = apiVersion.indexOf('/')
    const group = slash === -1 ? '' : apiVersion.slice(0, slash)
    const other = group === resource.group ? catalog.find(group, apiVersion.slice(slash + 1), resource.plural) : undefined
    if (other === undefined) return undefined
    return resource.typedItems ? renamed(resource, other) : converted(resource, other)
  }
}

function converted(from: Resource, to: Resource): OtherVersion {
  const between = (source: Resource, target: Resource, object: KubeObject): KubeObject => {
    const stored = source.conversion?.toStored(object) ?? object
    return target.conversion?.fromStored(stored) ?? stored
  }
  return { schema: to.schema, convert: (object) => between(from, to, object), revert: (object) => between(to, from, object) }
}

/** Versions of a custom resource differ by name; what one of them has and the other does not know cannot be compared. */
function renamed(from: Resource, to: Resource): OtherVersion {
  const name = (object: KubeObject, resource: Resource): KubeObject => {
    const next = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
    const problems = checkApplied(next, resource.schema)
    if (problems.length > 0) throw new UnfitVersion(problems)
    return next
  }
  return { schema: to.schema, convert: (object) => name(object, to), revert: (object) => name(object, from) }
}
