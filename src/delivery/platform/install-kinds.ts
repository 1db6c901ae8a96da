import type { Scope } from '#base'
import { type apiextensions, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { PLATFORM_GROUP, PLATFORM_MANAGER, PLATFORM_VERSION } from './group.ts'

type Definition = apiextensions.CustomResourceDefinition

/** Makes the server serve the kinds as they are here, and resolves when it does. Repeating it changes nothing. */
export async function installKinds(scope: Scope, client: Client, definitions: readonly Definition[]): Promise<void> {
  const resource = client.resource(refs.customresourcedefinitions)
  await Promise.all(
    definitions.map(async (body) => {
      const name = body.metadata?.name ?? ''
      const applied = await resource.patch(scope, { name }, { type: 'apply', body }, { fieldManager: PLATFORM_MANAGER, force: true })
      await untilServed(scope, client, name, applied)
    }),
  )
}

/** Whether a server has the platform's kinds. */
export async function servesPlatform(scope: Scope, client: Client): Promise<boolean> {
  try {
    await client.raw(scope, { method: 'GET', path: `/apis/${PLATFORM_GROUP}/${PLATFORM_VERSION}` })
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

const isServed = ({ status }: Definition): boolean =>
  status?.conditions?.some(({ type, status: holds }) => type === 'Established' && holds === 'True') === true

async function untilServed(scope: Scope, client: Client, name: string, seen: Definition): Promise<void> {
  if (isServed(seen)) return
  const resource = client.resource(refs.customresourcedefinitions)
  const from = { fieldSelector: `metadata.name=${name}`, resourceVersion: seen.metadata?.resourceVersion ?? '' }
  for await (const event of resource.watch(scope, from))
    if ((event.type === 'ADDED' || event.type === 'MODIFIED') && isServed(event.object)) return
  return untilServed(scope, client, name, await resource.get(scope, { name }))
}
