import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, readYamlDocuments } from '#base'
import { type KubeObject, type core, isRolledOut, refs } from '#api'
import type { Client } from '#client'

const POLL_MS = 10

/** The objects of a folder's YAML files, files in the order of their names. */
export function readManifests(folder: string): readonly KubeObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .flatMap((file) => readYamlDocuments(readFileSync(join(folder, file), 'utf8')) as readonly KubeObject[])
    .filter((object) => object !== null && object !== undefined)
}

/** Resolves when every Deployment of the namespace has all its pods available in the present version. `onChange` hears how many are. */
export async function waitForDeployments(
  scope: Scope,
  client: Client,
  namespace: string,
  onChange: (available: number, all: number) => void,
): Promise<void> {
  const deployments = client.resource(refs.deployments)
  const list = await deployments.list(scope, { namespace })
  const known = new Map(list.items.map((deployment) => [deployment.metadata?.name ?? '', deployment]))
  const settled = (): boolean => {
    const done = [...known.values()].filter(isRolledOut).length
    onChange(done, known.size)
    return done === known.size
  }
  if (settled()) return
  for await (const event of deployments.watch(scope, { namespace, resourceVersion: list.metadata?.resourceVersion ?? '' })) {
    if (event.type === 'BOOKMARK') continue
    const name = event.object.metadata?.name ?? ''
    if (event.type === 'DELETED') known.delete(name)
    else known.set(name, event.object)
    if (settled()) return
  }
  return waitForDeployments(scope, client, namespace, onChange)
}

/** Resolves when the node has reported, at or after `sinceMs` (since the epoch), that it is ready: what it said before it was stopped does not count. */
export async function waitForNode(scope: Scope, client: Client, name: string, sinceMs: number): Promise<void> {
  const nodes = client.resource(refs.nodes)
  const since = Math.floor(sinceMs / 1000) * 1000
  const isReady = (conditions: readonly core.NodeCondition[] | undefined): boolean =>
    conditions?.some(
      ({ type, status, lastHeartbeatTime }) => type === 'Ready' && status === 'True' && Date.parse(lastHeartbeatTime ?? '') >= since,
    ) === true
  const list = await nodes.list(scope, { fieldSelector: `metadata.name=${name}` })
  if (isReady(list.items[0]?.status?.conditions)) return
  for await (const event of nodes.watch(scope, {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: list.metadata?.resourceVersion ?? '',
  }))
    if (event.type !== 'BOOKMARK' && isReady(event.object.status?.conditions)) return
  return waitForNode(scope, client, name, sinceMs)
}

/** Resolves when the node's own API answers the server, the way that exec and logs go: the node can be ready a little sooner. */
export async function waitForNodeApi(scope: Scope, client: Client, name: string): Promise<void> {
  const asked = { method: 'GET', path: `/api/v1/nodes/${name}/proxy/healthz` } as const
  while ((await client.raw(scope, asked).catch(() => undefined))?.status !== 200) await scope.sleep(POLL_MS)
}
