import { existsSync } from 'node:fs'
import type { Scope } from '#base'
import { containerdRuntime } from '../cri/containerd/containerd-runtime.ts'
import { runningContainerd, stopContainerd } from './containerd-process.ts'
import { switchGracePeriods } from './grace-periods.ts'
import { readBefore } from './host.ts'
import { type HostOptions, layoutOf } from './layout.ts'
import { releaseLoops } from './loops.ts'

const GRACE_SECONDS = 10

/**
 * Stops all pods of this node and its containerd: containers get the signal to stop and some time. Images, volumes and logs stay; an agent that
 * is started later makes the pods' sandboxes and containers anew. Idempotent.
 */
export async function stopHost(scope: Scope, options: HostOptions): Promise<void> {
  const layout = layoutOf(options)
  if (runningContainerd(layout) === undefined) return
  const runtime = containerdRuntime(layout.containerd.socket)
  const [containers, sandboxes] = await Promise.all([runtime.listContainers(scope), runtime.listPodSandboxes(scope)])
  await Promise.all(containers.map(({ id }) => runtime.stopContainer(scope, id, GRACE_SECONDS)))
  await Promise.all(
    sandboxes.map(async ({ id }) => {
      await runtime.stopPodSandbox(scope, id)
      await runtime.removePodSandbox(scope, id)
    }),
  )
  // What is on disk is whole then, whatever the machine does next.
  await releaseLoops(scope, layout.storageDir)
  await stopContainerd(scope, layout)
  if (existsSync(layout.memoFile) && readBefore(layout).gracePeriods === '0') switchGracePeriods('0')
}
