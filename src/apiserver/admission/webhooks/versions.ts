import { type KubeObject, type Resource, apiVersionOf } from '#api'

/** The same object in another version of its kind: through the version that is stored. May share parts with it. */
export function convert(object: KubeObject, from: Resource, to: Resource): KubeObject {
  if (from === to || object.kind !== from.kind) return object
  const stored = from.conversion === undefined ? object : from.conversion.toStored(object)
  const converted = to.conversion === undefined ? stored : to.conversion.fromStored(stored)
  return { ...converted, kind: to.kind, apiVersion: apiVersionOf(to) }
}

/** All served versions of what lies in one place in the store. */
export function equivalentsOf(all: Iterable<Resource>, resource: Resource): readonly Resource[] {
  const prefix = resource.storage?.prefix
  // Only its own webhook knows what an object of such a kind is in another version.
  return prefix === undefined || resource.conversion?.webhook !== undefined
    ? []
    : [...all].filter((other) => other.storage?.prefix === prefix)
}
