import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Scope, isCancelled, messageOf } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import type { PodManager } from '../pods/pod-manager.ts'
import type { NodeSettings } from '../settings.ts'

const EVERY_MS = 10_000
const COMPRESSED = '.gz'
const UNFINISHED = '.tmp'

/**
 * Keeps each container's log below a size: a full file is put aside under its time, and compressed when the next one is (its last reader may still
 * be at it until then); the oldest of those are removed.
 */
export class LogRotation {
  readonly #settings: Pick<NodeSettings, 'logMaxBytes' | 'logMaxFiles'>
  readonly #runtime: Pick<ContainerRuntime, 'reopenContainerLog'>
  readonly #pods: Pick<PodManager, 'workers'>

  constructor(
    settings: Pick<NodeSettings, 'logMaxBytes' | 'logMaxFiles'>,
    runtime: Pick<ContainerRuntime, 'reopenContainerLog'>,
    pods: Pick<PodManager, 'workers'>,
  ) {
    this.#settings = settings
    this.#runtime = runtime
    this.#pods = pods
  }

  async run(scope: Scope): Promise<void> {
    while (!scope.signal.aborted) {
      await scope.sleep(EVERY_MS).catch(() => undefined)
      await this.rotateAll(scope)
    }
  }

  async rotateAll(scope: Scope): Promise<void> {
    for (const worker of this.#pods.workers) {
      for (const { id, state, logPath } of worker.state.containers) {
        if (state !== 'running' || logPath === '' || scope.signal.aborted) continue
        try {
          const info = await stat(logPath).catch(() => undefined)
          if (info !== undefined && info.size > this.#settings.logMaxBytes) await this.rotate(scope, id, logPath)
        } catch (error) {
          if (!isCancelled(error)) scope.log.warn('a log could not be rotated', { path: logPath, error: messageOf(error) })
        }
      }
    }
  }

  async rotate(scope: Scope, id: string, path: string): Promise<void> {
    await this.#tidy(path)
    const stamp = new Date(scope.clock.now())
      .toISOString()
      .replaceAll(/[-:]|\..*$/g, '')
      .replace('T', '-')
    const aside = `${path}.${stamp}`
    await rename(path, aside)
    try {
      await this.#runtime.reopenContainerLog(scope, id)
    } catch (error) {
      // Still written to: it must keep its name.
      await rename(aside, path)
      throw error
    }
  }

  /** Makes room for one more file put aside, and compresses those that are. */
  async #tidy(path: string): Promise<void> {
    const dir = dirname(path)
    const aside = (await readdir(dir)).filter((name) => name.startsWith(`${basename(path)}.`)).sort()
    for (const name of aside.filter((one) => one.endsWith(UNFINISHED))) await rm(join(dir, name), { force: true })
    const whole = aside.filter((name) => !name.endsWith(UNFINISHED))
    const most = Math.max(this.#settings.logMaxFiles - 2, 0)
    for (const name of whole.slice(0, Math.max(whole.length - most, 0))) await rm(join(dir, name), { force: true })
    for (const name of whole.slice(Math.max(whole.length - most, 0))) if (!name.endsWith(COMPRESSED)) await compress(join(dir, name))
  }
}

/** Never half a file under its name, whenever the agent ends. */
async function compress(path: string): Promise<void> {
  const unfinished = `${path}${UNFINISHED}`
  const { mode } = await stat(path)
  await pipeline(createReadStream(path), createGzip(), createWriteStream(unfinished, { mode }))
  await rename(unfinished, `${path}${COMPRESSED}`)
  await rm(path)
}
