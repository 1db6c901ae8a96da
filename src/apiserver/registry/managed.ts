import { type KubeObject, type Resource, apiVersionOf, trackUpdate } from '#api'
import { rfc3339 } from '#base'
import type { RequestContext } from './context.ts'

/** Who a change is written down as: the manager that the request names, else the first word of the client's name. */
export function managerOf(context: RequestContext, fieldManager: string): string {
  if (fieldManager !== '') return fieldManager
  const agent = context.header('user-agent') ?? ''
  const slash = agent.indexOf('/')
  const name = slash === -1 ? agent : agent.slice(0, slash)
  return name === '' ? 'unknown' : name.slice(0, 128)
}

/** Notes in `updated` who owns which of its fields now. */
export function noteUpdate(context: RequestContext, resource: Resource, live: KubeObject | undefined, updated: KubeObject, fieldManager: string, subresource: string): void {
  trackUpdate({
    schema: resource.schema,
    live,
    updated,
    manager: managerOf(context, fieldManager),
    apiVersion: apiVersionOf(resource),
    subresource,
    now: rfc3339(context.scope.clock.now()),
  })
}
