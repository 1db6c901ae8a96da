import { spawnSync } from 'node:child_process'
import { kubeconfigOf } from '../instance/instance.ts'
import { locate } from '../instance/locate.ts'
import { cacheDir } from '../pack/find-pack.ts'
import { findKubectl } from '../machine/kubectl.ts'
import type { InstanceFlags } from '../program/flags.ts'

/** `sampan kubectl`: kubectl with this cluster's kubeconfig; its exit code is ours. */
export async function runKubectl(args: readonly string[], flags: InstanceFlags): Promise<void> {
  const { stateDir, instance } = locate(flags)
  const kubectl = findKubectl(process.env['PATH'] ?? '', cacheDir(process.env))
  const run = spawnSync(kubectl, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: kubeconfigOf(stateDir, instance) } })
  process.exitCode = run.status ?? 1
}
