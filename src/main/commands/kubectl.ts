import { spawnSync } from 'node:child_process'
import { kubeconfigIn, locate } from '../instance/locate.ts'
import { cacheDir } from '../pack/find-pack.ts'
import { findKubectl } from '../machine/kubectl.ts'
import type { InstanceFlags } from '../program/flags.ts'

/** `sampan kubectl`: kubectl with this cluster's kubeconfig; its exit code is ours. */
export async function runKubectl(args: readonly string[], flags: InstanceFlags): Promise<void> {
  const kubeconfig = kubeconfigIn(locate(flags))
  const kubectl = findKubectl(process.env['PATH'] ?? '', cacheDir(process.env))
  const run = spawnSync(kubectl, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: kubeconfig } })
  process.exitCode = run.status ?? 1
}
