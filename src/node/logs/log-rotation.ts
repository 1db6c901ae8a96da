import { readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Scope, isCancelled, messageOf } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import type { PodManager } from '../pods/pod-manager.ts'
import type { NodeSettings } from '../settings.ts'

const EVERY_MS = 10_000

/** Keeps each container's log below a size: a full file is put aside under its time, the oldest of those are removed. */
export class LogRotation {
  readonly #settings: NodeSettings
  readonly #runtime: ContainerRuntime
  readonly #pods: Pick<PodManager, 'workers'>

  constructor(settings: NodeSettings, runtime: ContainerRuntime, pods: Pick<PodManager, 'workers'>) {
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
          if (info !== undefined && info.size > this.#settings.logMaxBytes) await this.#rotate(scope, id, logPath)
        } catch (error) {
          if (!isCancelled(error)) scope.log.warn('a log could not be rotated', { path: logPath, error: messageOf(error) })
        }
      }
    }
  }

  async #rotate(scope: Scope, id: string, path: string): Promise<void> {
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
    const prefix = path.slice(dirname(path).length + 1)
    const old = (await readdir(dirname(path))).filter((name) => name.startsWith(`${prefix}.`)).sort()
    for (const name of old.slice(0, Math.max(old.length - (this.#settings.logMaxFiles - 1), 0)))
      await rm(join(dirname(path), name), { force: true })
  }
}
