import { join } from 'node:path'
import type { CancellableScope, Scope } from '#base'
import { openChannel } from '../cri/grpc/channel.ts'
import { serveGrpc } from '../cri/grpc/serve.ts'
import { type PluginOptions, devicePluginMethods } from '../devices/device-plugin-api.ts'

/** A device plugin: announces devices, and gives containers what names them. What it is asked is kept. */
export interface FakeDevicePlugin {
  readonly asked: string[]
  /** Ids and their health; told to the node at once. */
  set(devices: Readonly<Record<string, string>>): void
  stop(): void
}

export async function fakeDevicePlugin(
  scope: Scope,
  dir: string,
  resource: string,
  devices: Readonly<Record<string, string>>,
  options: Partial<PluginOptions> = {},
): Promise<FakeDevicePlugin> {
  const own: CancellableScope = scope.child()
  const asked: string[] = []
  const methods = devicePluginMethods()
  let current = devices
  let changed = Promise.withResolvers<void>()
  const endpoint = `${resource.replace('/', '_')}.sock`
  await serveGrpc(own, join(dir, endpoint), [
    [methods.get('DevicePlugin/GetDevicePluginOptions'), async () => options],
    [
      methods.get('DevicePlugin/ListAndWatch'),
      async function* (_: unknown, signal: AbortSignal) {
        const ended = new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve())
          own.signal.addEventListener('abort', () => resolve())
        })
        while (!signal.aborted && !own.signal.aborted) {
          const next = changed.promise
          yield { devices: Object.entries(current).map(([ID, health]) => ({ ID, health, topology: { nodes: [{ ID: 0n }] } })) }
          await Promise.race([next, ended])
        }
      },
    ],
    [
      methods.get('DevicePlugin/GetPreferredAllocation'),
      async ({ containerRequests }: { containerRequests: { availableDeviceIDs: string[]; allocationSize: number }[] }) => {
        const [request] = containerRequests
        return { containerResponses: [{ deviceIDs: request?.availableDeviceIDs.toSorted().reverse().slice(0, request.allocationSize) }] }
      },
    ],
    [
      methods.get('DevicePlugin/Allocate'),
      async ({ containerRequests }: { containerRequests: { devicesIds: string[] }[] }) => {
        const ids = containerRequests[0]?.devicesIds ?? []
        asked.push(`allocate ${ids.join(' ')}`)
        return {
          containerResponses: [
            {
              envs: { DEVICES: ids.join(',') },
              mounts: [{ containerPath: '/etc/device', hostPath: dir, readOnly: true }],
              devices: ids.map((id) => ({ containerPath: `/dev/${id}`, hostPath: '/dev/null', permissions: 'rw' })),
              annotations: { 'example.com/devices': ids.join(' ') },
              cdiDevices: ids.map((id) => ({ name: `${resource}=${id}` })),
            },
          ],
        }
      },
    ],
    [
      methods.get('DevicePlugin/PreStartContainer'),
      async ({ devicesIds }: { devicesIds: string[] }) => {
        asked.push(`prestart ${devicesIds.join(' ')}`)
        return {}
      },
    ],
  ])
  const channel = openChannel({ path: join(dir, 'kubelet.sock') })
  try {
    await channel.unary(own, methods.get('Registration/Register'), { version: 'v1beta1', endpoint, resourceName: resource, options })
  } finally {
    channel.close()
  }
  return {
    asked,
    set(next) {
      current = next
      const before = changed
      changed = Promise.withResolvers()
      before.resolve()
    },
    stop: () => own.cancel(),
  }
}
