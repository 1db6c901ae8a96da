import { mkdir } from 'node:fs/promises'
import { type CancellableScope, type Scope, isCancelled, messageOf } from '#base'
import { openChannel } from '../cri/grpc/channel.ts'
import { PluginRefused } from '../refusal.ts'
import type { KubeletPaths } from './kubelet-paths.ts'
import { DirectoryWatches, findSockets } from './plugin-sockets.ts'
import { type PluginInfoMessage, registrationMethods } from './registration-api.ts'

/** A plugin of the node that has said what it is. */
export interface Plugin {
  readonly name: string
  /** The socket to call it at. */
  readonly endpoint: string
  readonly versions: readonly string[]
}

/** What takes plugins of one type. */
export interface PluginHandler {
  /** Throws why such a plugin is not taken: the plugin is told. */
  validate(plugin: Plugin): void
  /**
   * Takes the plugin; `life` ends when its registration socket goes, or is made anew (then it is registered again). Rejects with why it could
   * not be taken: the plugin is told, and it is tried again after a while.
   */
  register(life: Scope, plugin: Plugin): Promise<void>
}

/** As plugins name their type: `CSIPlugin`, `DRAPlugin`, `DevicePlugin`. */
export type PluginHandlers = Readonly<Record<string, PluginHandler>>

const ANSWER_MS = 1000
const NOTIFY_MS = 5000
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 122_000
const MOST_BYTES = 4 * 2 ** 20

interface Registered {
  /** Of the socket. */
  readonly identity: string
  readonly life: CancellableScope
}

/**
 * Follows the sockets below a directory until its scope ends: each is a plugin, which is asked what it is and given to the handler of its type.
 * Whoever was registered when the agent stopped is registered anew when it is back: the sockets are still there.
 */
export class PluginRegistry {
  readonly #dir: string
  readonly #paths: KubeletPaths
  readonly #handlers: PluginHandlers
  readonly #registered = new Map<string, Registered>()
  readonly #failures = new Map<string, { readonly identity: string; readonly count: number; readonly retryAtMs: number }>()

  constructor(dir: string, paths: KubeletPaths, handlers: PluginHandlers) {
    this.#dir = dir
    this.#paths = paths
    this.#handlers = handlers
  }

  async run(scope: Scope): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o750 })
    let wake = Promise.withResolvers<void>()
    using watches = new DirectoryWatches(() => wake.resolve())
    while (!scope.signal.aborted) {
      wake = Promise.withResolvers<void>()
      const retryMs = await this.#look(scope, watches, () => wake.resolve())
      if (retryMs !== undefined) void scope.sleep(retryMs).then(wake.resolve, wake.resolve)
      const stop = (): void => wake.resolve()
      scope.signal.addEventListener('abort', stop, { once: true })
      await wake.promise
      scope.signal.removeEventListener('abort', stop)
    }
  }

  /** One step towards what the directory says; when to look again at the latest. */
  async #look(scope: Scope, watches: DirectoryWatches, again: () => void): Promise<number | undefined> {
    let found = await findSockets(this.#dir)
    while (watches.set(found.dirs)) found = await findSockets(this.#dir)
    for (const [path, { identity, life }] of this.#registered) {
      if (found.sockets.get(path) === identity) continue
      this.#registered.delete(path)
      life.cancel()
    }
    const now = scope.clock.monotonic()
    for (const [path, { identity }] of this.#failures) if (found.sockets.get(path) !== identity) this.#failures.delete(path)
    for (const [path, identity] of found.sockets) {
      if (this.#registered.has(path) || (this.#failures.get(path)?.retryAtMs ?? 0) > now) continue
      const life = scope.child({ log: { plugin: path } })
      this.#registered.set(path, { identity, life })
      // Plugins are independent: a slow one keeps nobody waiting.
      void this.#register(life, path).catch((error: unknown) => {
        life.cancel()
        if (this.#registered.get(path)?.life === life) this.#registered.delete(path)
        if (isCancelled(error) || scope.signal.aborted) return
        const count = (this.#failures.get(path)?.count ?? 0) + 1
        const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (count - 1), LONGEST_RETRY_MS)
        this.#failures.set(path, { identity, count, retryAtMs: scope.clock.monotonic() + delayMs })
        scope.log.warn('a plugin could not be registered', { socket: path, error: messageOf(error) })
        again()
      })
    }
    const retries = [...this.#failures.values()].map(({ retryAtMs }) => retryAtMs - now)
    return retries.length === 0 ? undefined : Math.max(Math.min(...retries), 1)
  }

  async #register(life: CancellableScope, path: string): Promise<void> {
    const methods = registrationMethods()
    const channel = openChannel({ path }, { readMaxBytes: MOST_BYTES })
    try {
      const notify = async (error: string): Promise<void> => {
        const status = { pluginRegistered: error === '', error }
        await channel.unary(life, methods.get('Registration/NotifyRegistrationStatus'), status, { timeoutMs: NOTIFY_MS })
      }
      const info = (await channel.unary(life, methods.get('Registration/GetInfo'), {}, { timeoutMs: ANSWER_MS })) as PluginInfoMessage
      const plugin = {
        name: info.name,
        endpoint: info.endpoint === '' ? path : this.#paths.onNode(info.endpoint),
        versions: info.supportedVersions,
      }
      const handler = Object.hasOwn(this.#handlers, info.type) ? this.#handlers[info.type] : undefined
      const refuse = async (words: string, cause: unknown): Promise<never> => {
        await notify(words)
        throw cause
      }
      if (handler === undefined) {
        const words = `RegisterPlugin error -- no handler registered for plugin type: ${info.type} at socket ${path}`
        return await refuse(words, new PluginRefused(words))
      }
      try {
        handler.validate(plugin)
      } catch (error) {
        return await refuse(`RegisterPlugin error -- plugin validation failed with err: ${messageOf(error)}`, error)
      }
      try {
        await handler.register(life, plugin)
      } catch (error) {
        life.check()
        return await refuse(`RegisterPlugin error -- plugin registration failed with err: ${messageOf(error)}`, error)
      }
      await notify('')
      this.#failures.delete(path)
      life.log.info('a plugin is registered', { type: info.type, name: info.name })
    } finally {
      channel.close()
    }
  }
}
