import type { core } from '#api'
import { isFinished, isReady, isTerminating } from '../workloads/pods.ts'

/** What endpoints and slices take from Services and pods alike. */

export const HEADLESS_LABEL = 'service.kubernetes.io/headless'
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time'

/** Controllers make endpoints for Services that select pods and are not only a name for something outside. */
export function hasEndpoints(service: core.Service): boolean {
  return service.spec?.type !== 'ExternalName' && service.spec?.selector !== undefined
}

export function isHeadless(service: core.Service): boolean {
  const ip = service.spec?.clusterIP
  return ip === undefined || ip === '' || ip === 'None'
}

/** Whether anything about a pod that endpoints are made of differs. */
export function endpointsDiffer(old: core.Pod | undefined, now: core.Pod | undefined): boolean {
  if (old === undefined || now === undefined) return true
  return (
    isReady(old) !== isReady(now) ||
    isFinished(old) !== isFinished(now) ||
    isTerminating(old) !== isTerminating(now) ||
    old.spec?.nodeName !== now.spec?.nodeName ||
    JSON.stringify([old.status?.podIPs, old.metadata?.labels, old.spec?.hostname, old.spec?.subdomain]) !==
      JSON.stringify([now.status?.podIPs, now.metadata?.labels, now.spec?.hostname, now.spec?.subdomain])
  )
}

export function addressesOf(pod: core.Pod, family: 'IPv4' | 'IPv6'): string[] {
  const ips = (pod.status?.podIPs ?? []).map(({ ip }) => ip).filter((ip) => ip !== undefined)
  return ips.filter((ip) => ip.includes(':') === (family === 'IPv6'))
}

/** The pod's name within the Service's domain, where it has one. */
export function hostnameIn(service: core.Service, pod: core.Pod): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {}
  return hostname && subdomain === service.metadata?.name && pod.metadata?.namespace === service.metadata?.namespace ? hostname : undefined
}

/** The number behind a Service port on this pod; undefined when the pod has no port of that name. */
export function targetPortOf(pod: core.Pod, port: core.ServicePort): number | undefined {
  const { targetPort = port.port } = port
  if (typeof targetPort === 'number') return targetPort === 0 ? port.port : targetPort
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const candidate of container.ports ?? []) {
      if (candidate.name === targetPort && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return candidate.containerPort
    }
  }
  return undefined
}
