import type { DescMethod } from '@bufbuild/protobuf'
import type { Scope } from '#base'
import { type Channel, openChannel } from '../cri/grpc/channel.ts'
import { PluginRefused } from '../refusal.ts'
import { type ContainerAllocation, type DeviceMessage, type PluginOptions, devicePluginMethods } from './device-plugin-api.ts'

const MOST_BYTES = 16 * 2 ** 20
const CONNECT_MS = 10_000
const PRE_START_MS = 30_000
const ALLOCATE_MS = 120_000

/** A plugin that has registered: what the node asks of it. */
export class DeviceEndpoint {
  readonly options: PluginOptions | undefined
  readonly #channel: Channel
  readonly #methods = devicePluginMethods()

  private constructor(channel: Channel, options: PluginOptions | undefined) {
    this.#channel = channel
    this.options = options
  }

  /** `options`: what it has said with its registration; else it is asked. */
  static async open(scope: Scope, socketPath: string, options: PluginOptions | undefined): Promise<DeviceEndpoint> {
    const channel = openChannel({ path: socketPath }, { readMaxBytes: MOST_BYTES })
    try {
      const asked = new DeviceEndpoint(channel, options)
      if (options !== undefined) return asked
      const answer = await channel.unary(scope, asked.#method('GetDevicePluginOptions'), {}, { timeoutMs: CONNECT_MS })
      return new DeviceEndpoint(channel, answer as PluginOptions)
    } catch (error) {
      channel.close()
      throw error
    }
  }

  #method(name: string): DescMethod {
    return this.#methods.get(`DevicePlugin/${name}`)
  }

  /** All its devices, each time that one changes. Ends with the plugin. */
  async *devices(scope: Scope): AsyncIterable<readonly DeviceMessage[]> {
    for await (const message of this.#channel.stream(scope, this.#method('ListAndWatch'), {}))
      yield (message as { devices: readonly DeviceMessage[] }).devices
  }

  async prefer(scope: Scope, available: readonly string[], mustInclude: readonly string[], count: number): Promise<readonly string[]> {
    if (this.options?.getPreferredAllocationAvailable !== true) return []
    const containerRequests = [{ availableDeviceIDs: available, mustIncludeDeviceIDs: mustInclude, allocationSize: count }]
    const answer = (await this.#channel.unary(
      scope,
      this.#method('GetPreferredAllocation'),
      { containerRequests },
      {
        timeoutMs: ALLOCATE_MS,
      },
    )) as { containerResponses: readonly { deviceIDs: readonly string[] }[] }
    return answer.containerResponses[0]?.deviceIDs ?? []
  }

  async allocate(scope: Scope, ids: readonly string[]): Promise<ContainerAllocation> {
    const answer = (await this.#channel.unary(
      scope,
      this.#method('Allocate'),
      { containerRequests: [{ devicesIds: ids }] },
      {
        timeoutMs: ALLOCATE_MS,
      },
    )) as { containerResponses: readonly ContainerAllocation[] }
    const [given] = answer.containerResponses
    if (given === undefined) throw new PluginRefused('no containers return in allocation response')
    // Without what makes it a message: it is written down.
    const { envs, annotations } = given
    return {
      envs: { ...envs },
      annotations: { ...annotations },
      mounts: given.mounts.map(({ containerPath, hostPath, readOnly }) => ({ containerPath, hostPath, readOnly })),
      devices: given.devices.map(({ containerPath, hostPath, permissions }) => ({ containerPath, hostPath, permissions })),
      cdiDevices: given.cdiDevices.map(({ name }) => ({ name })),
    }
  }

  async preStart(scope: Scope, ids: readonly string[]): Promise<void> {
    if (this.options?.preStartRequired !== true) return
    await this.#channel.unary(scope, this.#method('PreStartContainer'), { devicesIds: ids }, { timeoutMs: PRE_START_MS })
  }

  close(): void {
    this.#channel.close()
  }
}
