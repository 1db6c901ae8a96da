import { type Scope, UserError } from '#base'
import type { KubeObject, ResourceRef } from '#api'
import { type Client, discover } from '#client'

export interface ApplyOptions {
  readonly fieldManager: string
  /** Where namespaced objects without a namespace go. */
  readonly namespace?: string
}

/** Applies objects one after the other, server side, as the owner of what they say. Repeating it changes nothing. */
export async function applyObjects(scope: Scope, client: Client, objects: readonly KubeObject[], options: ApplyOptions): Promise<void> {
  const refOf = await refsOfKinds(scope, client)
  for (const object of objects) {
    const ref = refOf(object)
    const { name = '', namespace = ref.namespaced ? options.namespace : undefined } = object.metadata ?? {}
    const body = namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } }
    await client
      .resource(ref)
      .patch(scope, { name, namespace }, { type: 'apply', body }, { fieldManager: options.fieldManager, force: true })
  }
}

/** Finds what the server calls the resource of an object. Throws `UserError` for a kind that it does not serve. */
export async function refsOfKinds(scope: Scope, client: Client): Promise<(object: KubeObject) => ResourceRef> {
  const { resources } = await discover(scope, client)
  return (object) => {
    const apiVersion = object.apiVersion ?? ''
    const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
    const found = resources.find(({ ref }) => ref.kind === object.kind && ref.group === group)
    if (found === undefined) throw new UserError(`this server has no ${object.kind ?? ''} of ${apiVersion}`)
    return { ...found.ref, version }
  }
}
