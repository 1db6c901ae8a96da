import { type Scope, isCancelled, messageOf } from '#base'
import { type ContainerRuntime, RuntimeError, type RuntimeEvent, isRuntimeNotFound } from '../runtime.ts'
import { type CallOptions, openChannel } from '../grpc/channel.ts'
import { containerdImages } from './containerd-images.ts'
import { containerdEvents } from './containerd-events.ts'
import { CRI_TABLE, ContainerEventType, type ContainerEventResponse, type CriMethods } from './cri.gen.ts'
import { methodsOf } from '../grpc/descriptors.ts'
import { containerOf, containerStatusOf, filesystemOf, imageOf, milliseconds, sandboxOf, sandboxStatusOf, statsOf } from './from-cri.ts'
import { containerConfig, linuxResources, sandboxConfig } from './to-cri.ts'

/** Requests are given without what is zero; answers come with everything. */
type Init<T> = T extends Uint8Array | bigint
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Init<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: Init<T[K]> | undefined }
      : T

const CALL_MS = 120_000
const RUN_SANDBOX_MS = 240_000
const RECONNECT_MS = 500

/** CRI v1 over a unix socket; containerd's event stream where the runtime has no CRI events. */
export function containerdRuntime(socketPath: string): ContainerRuntime {
  const channel = openChannel({ path: socketPath })
  const methods = methodsOf('runtime.v1', CRI_TABLE)
  const images = containerdImages(channel)
  const call = async <M extends keyof CriMethods>(
    scope: Scope,
    name: M,
    request: Init<CriMethods[M]['request']> | object,
    options: CallOptions = { timeoutMs: CALL_MS },
  ): Promise<CriMethods[M]['answer']> => (await channel.unary(scope, methods.get(name), request, options)) as CriMethods[M]['answer']
  const unlessGone = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work
    } catch (error) {
      if (!isRuntimeNotFound(error)) throw error
    }
  }

  async function* criEvents(scope: Scope): AsyncIterable<RuntimeEvent> {
    for await (const message of channel.stream(scope, methods.get('RuntimeService/GetContainerEvents'), {})) {
      const event = message as ContainerEventResponse
      if (event.containerEventType !== ContainerEventType.CONTAINER_STOPPED_EVENT) continue
      const exitCode = event.containersStatuses.find(({ id }) => id === event.containerId)?.exitCode ?? 0
      yield {
        type: 'exit',
        containerId: event.containerId,
        sandboxId: event.podSandboxStatus?.id,
        exitCode,
        atMs: milliseconds(event.createdAt),
      }
    }
  }

  return {
    async version(scope) {
      const answer = await call(scope, 'RuntimeService/Version', { version: 'v1' })
      return { name: answer.runtimeName, version: answer.runtimeVersion, apiVersion: answer.runtimeApiVersion }
    },
    async status(scope) {
      const answer = await call(scope, 'RuntimeService/Status', {})
      const conditions = answer.status?.conditions ?? []
      const bad = conditions.filter((condition) => !condition.status)
      return {
        ready: conditions.some(({ type, status }) => type === 'RuntimeReady' && status),
        networkReady: conditions.some(({ type, status }) => type === 'NetworkReady' && status),
        message: bad.map(({ type, reason, message }) => `${type}=false reason:${reason} message:${message}`).join(', '),
        features: answer.features && { supplementalGroupsPolicy: answer.features.supplementalGroupsPolicy },
        handlers: answer.runtimeHandlers.map(({ name, features }) => ({
          name,
          userNamespaces: features?.userNamespaces ?? false,
          recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
        })),
      }
    },

    async runPodSandbox(scope, spec) {
      const request = { config: sandboxConfig(spec), runtimeHandler: spec.handler }
      return (await call(scope, 'RuntimeService/RunPodSandbox', request, { timeoutMs: RUN_SANDBOX_MS })).podSandboxId
    },
    stopPodSandbox: (scope, id) => unlessGone(call(scope, 'RuntimeService/StopPodSandbox', { podSandboxId: id })),
    removePodSandbox: (scope, id) => unlessGone(call(scope, 'RuntimeService/RemovePodSandbox', { podSandboxId: id })),
    async podSandboxStatus(scope, id) {
      const { status } = await call(scope, 'RuntimeService/PodSandboxStatus', { podSandboxId: id })
      if (status === undefined) throw new RuntimeError('not-found', `sandbox ${id} has no status`)
      return sandboxStatusOf(status)
    },
    async listPodSandboxes(scope) {
      return (await call(scope, 'RuntimeService/ListPodSandbox', {})).items.map(sandboxOf)
    },

    async createContainer(scope, sandboxId, spec, sandbox) {
      const request = { podSandboxId: sandboxId, config: containerConfig(spec), sandboxConfig: sandboxConfig(sandbox) }
      return (await call(scope, 'RuntimeService/CreateContainer', request)).containerId
    },
    async startContainer(scope, id) {
      await call(scope, 'RuntimeService/StartContainer', { containerId: id })
    },
    stopContainer: (scope, id, graceSeconds) =>
      unlessGone(
        call(
          scope,
          'RuntimeService/StopContainer',
          { containerId: id, timeout: BigInt(graceSeconds) },
          { timeoutMs: CALL_MS + graceSeconds * 1000 },
        ),
      ),
    removeContainer: (scope, id) => unlessGone(call(scope, 'RuntimeService/RemoveContainer', { containerId: id })),
    async containerStatus(scope, id) {
      const { status } = await call(scope, 'RuntimeService/ContainerStatus', { containerId: id })
      if (status === undefined) throw new RuntimeError('not-found', `container ${id} has no status`)
      return containerStatusOf(status)
    },
    async listContainers(scope) {
      return (await call(scope, 'RuntimeService/ListContainers', {})).containers.map(containerOf)
    },
    async updateContainerResources(scope, id, resources) {
      await call(scope, 'RuntimeService/UpdateContainerResources', { containerId: id, linux: linuxResources(resources) })
    },
    async reopenContainerLog(scope, id) {
      await call(scope, 'RuntimeService/ReopenContainerLog', { containerId: id })
    },

    async execSync(scope, id, command, timeoutMs) {
      const timeout = BigInt(Math.ceil(timeoutMs / 1000))
      const options = timeoutMs === 0 ? {} : { timeoutMs: timeoutMs + CALL_MS }
      const answer = await call(scope, 'RuntimeService/ExecSync', { containerId: id, cmd: [...command], timeout }, options)
      return { exitCode: answer.exitCode, stdout: answer.stdout, stderr: answer.stderr }
    },
    async exec(scope, id, { command, ...streams }) {
      return (await call(scope, 'RuntimeService/Exec', { containerId: id, cmd: [...command], ...streams })).url
    },
    async attach(scope, id, streams) {
      return (await call(scope, 'RuntimeService/Attach', { containerId: id, ...streams })).url
    },
    async portForward(scope, sandboxId, ports) {
      return (await call(scope, 'RuntimeService/PortForward', { podSandboxId: sandboxId, port: [...ports] })).url
    },

    async imageStatus(scope, image) {
      const answer = await call(scope, 'ImageService/ImageStatus', { image: { image } })
      return answer.image && imageOf(answer.image)
    },
    async listImages(scope) {
      return (await call(scope, 'ImageService/ListImages', {})).images.map(imageOf)
    },
    async pullImage(scope, image, auth) {
      return (await call(scope, 'ImageService/PullImage', { image: { image }, ...(auth && { auth }) }, {})).imageRef
    },
    async removeImage(scope, image) {
      await call(scope, 'ImageService/RemoveImage', { image: { image } })
    },
    async viewImage(scope, imageId, key) {
      const { info } = await call(scope, 'ImageService/ImageStatus', { image: { image: imageId }, verbose: true })
      const { chainID } = JSON.parse(info['info'] ?? '{}') as { readonly chainID?: string }
      if (chainID === undefined) throw new RuntimeError('not-found', `the image ${imageId} has no files here`)
      return images.view(scope, chainID, key)
    },
    dropImageView: (scope, key) => images.drop(scope, key),
    async imageFsInfo(scope) {
      return (await call(scope, 'ImageService/ImageFsInfo', {})).imageFilesystems.map(filesystemOf)
    },
    async listContainerStats(scope) {
      return (await call(scope, 'RuntimeService/ListContainerStats', {})).stats.map(statsOf)
    },

    async watch(scope, notice, reset) {
      while (!scope.signal.aborted) {
        try {
          const { name } = await this.version(scope)
          // containerd's own stream also tells of out-of-memory kills, and is there in every version.
          const events = (name === 'containerd' ? containerdEvents : criEvents)(scope, channel)[Symbol.asyncIterator]()
          let next = events.next()
          // The stream says nothing until something happens. An answer to a later call on the same connection means that it stands.
          await Promise.race([this.version(scope), next])
          reset()
          for (let event = await next; event.done !== true; event = await next) {
            notice(event.value)
            next = events.next()
          }
        } catch (error) {
          if (isCancelled(error)) return
          scope.log.warn('the runtime event stream ended', { error: messageOf(error) })
        }
        await scope.sleep(RECONNECT_MS).catch(() => undefined)
      }
    },
  }
}
