import type { core } from '#api'
import { allContainersOf, specOf } from '../pod-facts.ts'

/**
 * Whether a pod is not over when its containers have ended, but only when its sandbox is stopped: host ports and users of its own are the next pod's then, and
 * where processes see each other, some may outlive the first one of their container. A chain of the administrator's may give its address to the next pod, too.
 */
export function needsSandboxStopped(pod: core.Pod, { isOwnChain }: { readonly isOwnChain: boolean }): boolean {
  const { shareProcessNamespace, hostPID, hostUsers } = specOf(pod)
  if (isOwnChain || shareProcessNamespace === true || hostPID === true || hostUsers === false) return true
  return allContainersOf(pod).some(({ ports = [] }) => ports.some(({ hostPort = 0 }) => hostPort > 0))
}
