import { type CancellableScope, type Scope, isCancelled } from '#base'
import { type KubeObject, type apps, refs } from '#api'
import { type Client, type Transport, createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { type TestApiServer, testApiServer } from '#testing'
import { installKinds } from '../platform/install-kinds.ts'
import { platformParts } from '../platform/parts.ts'
import { applicationController } from './application-controller.ts'
import { type Place, findApplication } from './door.ts'
import type { Application, Condition } from './objects.ts'

/** An API server with the platform's kinds, and Deployments that become what they are to be at once. */
export interface Stage {
  readonly api: TestApiServer
  /** Of the test itself: nothing of it fails. */
  readonly client: Client
  readonly transport: Transport
  /** Runs the controller, by a way of its own where one is given, until what is returned is cancelled. */
  control(transport?: Transport): Promise<CancellableScope>
  application(at: Place): Promise<Application | undefined>
  /** Images of Deployments by their names, or counts. */
  deployments<T>(at: Place, look: (deployment: apps.Deployment) => T): Promise<Readonly<Record<string, T>>>
  /** An application of this name, in a namespace of its own. */
  place(name: string): Promise<Place>
  close(): Promise<void>
}

export async function stage(): Promise<Stage> {
  const api = await testApiServer()
  const transport = inProcessTransport(api.server.handler)
  const client = createClient({ transport, fieldManager: 'test' })
  await installKinds(
    api.scope,
    client,
    platformParts.flatMap(({ kinds }) => kinds),
  )
  void settle(api.scope, client).catch((error: unknown) => {
    if (!isCancelled(error) && !api.scope.signal.aborted) throw error
  })
  return {
    api,
    client,
    transport,
    async control(way = transport) {
      const scope = api.scope.child()
      const own = createClient({ transport: way, fieldManager: 'sampan-delivery' })
      await runControllers(scope, [applicationController], {
        client: own,
        informers: createInformers(own, { freeze: true }),
        events: createEvents(scope, client),
        backOff: { firstMs: 2, maxMs: 20 },
      })
      return scope
    },
    application: (at) => findApplication(api.scope, at),
    async place(name) {
      await client.resource(refs.namespaces).create(api.scope, { metadata: { name } })
      return { client, namespace: name, name }
    },
    async deployments({ namespace }, look) {
      const { items } = await client.resource(refs.deployments).list(api.scope, { namespace })
      return Object.fromEntries(items.map((one) => [one.metadata?.name ?? '', look(one)]))
    },
    close: () => api.close(),
  }
}

/** Stands in for the workload controllers: what is asked for is there. Images called `never` stay away. */
async function settle(scope: Scope, client: Client): Promise<void> {
  const deployments = client.resource(refs.deployments)
  const { metadata: from } = await deployments.list(scope)
  for await (const { type, object } of deployments.watch(scope, { resourceVersion: from?.resourceVersion ?? '' })) {
    if (type !== 'ADDED' && type !== 'MODIFIED') continue
    const { metadata, spec, status } = object
    if (status?.observedGeneration === metadata?.generation || imageOf(object) === 'never') continue
    const replicas = spec?.replicas ?? 1
    const all = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas }
    await deployments
      .patch(
        scope,
        { namespace: metadata?.namespace, name: metadata?.name ?? '' },
        { type: 'merge', body: { status: { observedGeneration: metadata?.generation, ...all } } },
        { subresource: 'status' },
      )
      .catch(() => undefined)
  }
}

export const imageOf = ({ spec }: apps.Deployment): string => spec?.template.spec?.containers[0]?.image ?? ''

export const deployment = (name: string, image: string, replicas = 2, annotations: Record<string, string> = {}): apps.Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, annotations },
  spec: {
    replicas,
    selector: { matchLabels: { run: name } },
    template: { metadata: { labels: { run: name } }, spec: { containers: [{ name: 'main', image }] } },
  },
})
export const settings = (value: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { value } }) as KubeObject
export const password = (text: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'password' }, stringData: { password: text } }) as KubeObject
export const claim = (name: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }) as KubeObject
export const service = (name: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { run: name }, ports: [{ port: 80 }] } }) as KubeObject
export const ingress = (name: string): KubeObject =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name },
    spec: { defaultBackend: { service: { name, port: { number: 80 } } } },
  }) as KubeObject

export const conditionOf = (application: Application | undefined, type: string): Condition | undefined =>
  application?.status?.conditions?.find((condition) => condition.type === type)

/** Whether the controller has seen what is wanted, and all of it is so. */
export const isReady = (application: Application | undefined): boolean =>
  application?.status?.observedGeneration === application?.metadata?.generation && conditionOf(application, 'Ready')?.status === 'True'
