import type { Scope } from '#base'
import { type KubeObject, type Resource, apiVersionOf } from '#api'
import type { ConvertBatch } from '../../registry/view.ts'

/** The same object in another version of its kind. May share parts with it. Throws `StatusError` 500 when a conversion webhook fails. */
export type Convert = (scope: Scope, object: KubeObject, from: Resource, to: Resource) => KubeObject | Promise<KubeObject>

/** `ask` is for kinds that only a webhook of theirs can convert. */
export function converter(ask: ConvertBatch): Convert {
  return (scope, object, from, to) => {
    if (from === to || object.kind !== from.kind) return object
    const webhook = from.conversion?.webhook ?? to.conversion?.webhook
    if (webhook === undefined) return throughStored(object, from, to)
    const sent = { ...object, kind: from.kind, apiVersion: apiVersionOf(from) }
    return ask(scope, webhook(), [sent], apiVersionOf(to)).then(([made = sent]) => to.conversion?.fromStored(made) ?? made)
  }
}

function throughStored(object: KubeObject, from: Resource, to: Resource): KubeObject {
  const stored = from.conversion === undefined ? object : from.conversion.toStored(object)
  const converted = to.conversion === undefined ? stored : to.conversion.fromStored(stored)
  return { ...converted, kind: to.kind, apiVersion: apiVersionOf(to) }
}

/** All served versions of what lies in one place in the store. */
export function equivalentsOf(all: Iterable<Resource>, resource: Resource): readonly Resource[] {
  const prefix = resource.storage?.prefix
  return prefix === undefined ? [] : [...all].filter((other) => other.storage?.prefix === prefix)
}
