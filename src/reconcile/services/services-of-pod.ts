import { type core, keyOf } from '#api'
import type { Change, Informer } from '../contract.ts'
import { endpointsDiffer, hasEndpoints } from './pod-endpoints.ts'

/** The keys of the Services that a changed pod belongs to or belonged to. */
export function servicesOfPod(services: Informer<core.Service>, { old, now }: Change<core.Pod>): readonly string[] {
  if (!endpointsDiffer(old, now)) return []
  const keys: string[] = []
  for (const service of services.list((now ?? old)?.metadata?.namespace ?? '')) {
    if (!hasEndpoints(service)) continue
    const wanted = Object.entries(service.spec?.selector ?? {})
    const selects = (pod: core.Pod | undefined): boolean =>
      pod !== undefined && wanted.every(([name, value]) => pod.metadata?.labels?.[name] === value)
    if (selects(now) || selects(old)) keys.push(keyOf(service))
  }
  return keys
}

export function podsOfService(pods: Informer<core.Pod>, service: core.Service): readonly core.Pod[] {
  const wanted = Object.entries(service.spec?.selector ?? {})
  return pods
    .list(service.metadata?.namespace ?? '')
    .filter((pod) => wanted.every(([name, value]) => pod.metadata?.labels?.[name] === value))
}
