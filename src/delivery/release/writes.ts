import { type KubeObject, type apps, type core, refs } from '#api'
import { canonicalJson } from '#reconcile'
import { releaseRef } from './kinds.ts'
import type { Release, Version } from './objects.ts'
import { holdPatch, releasePatch } from './autoscaler.ts'
import { LOCK, isAsMade, isMadeBy, trackDeployment, trackService } from './parts.ts'
import { httpRouteRef, withHttpShares } from './route/http-route.ts'
import { withShares } from './route/ingress.ts'
import { type Share, TRACKS, type Track } from './route/shares.ts'
import type { World, Write } from './world.ts'

const FINALIZER = 'delivery.sampan.io/release'

/** None when it is as it should be. */
export function finalizer({ metadata }: Release, isWanted: boolean): readonly Write[] {
  const others = (metadata?.finalizers ?? []).filter((name) => name !== FINALIZER)
  if (isWanted === others.length < (metadata?.finalizers ?? []).length) return []
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: metadata?.resourceVersion },
    { op: 'add', path: '/metadata/finalizers', value: isWanted ? [...others, FINALIZER] : others },
  ]
  return [{ verb: 'json', ref: releaseRef, name: metadata?.name ?? '', body }]
}

export function lockWrite({ metadata }: apps.Deployment, lock: string | undefined): Write {
  const { [LOCK]: _lock, ...others } = metadata?.annotations ?? {}
  return {
    verb: 'json',
    ref: refs.deployments,
    name: metadata?.name ?? '',
    body: [
      { op: 'test', path: '/metadata/resourceVersion', value: metadata?.resourceVersion },
      { op: 'add', path: '/metadata/annotations', value: lock === undefined ? others : { ...others, [LOCK]: lock } },
    ],
  }
}

/** What has to be made or changed so that a version stands beside the target with so many pods. */
export function trackWrites(
  { release, target, service, tracks }: World,
  track: Track,
  version: Version | undefined,
  replicas: number,
): readonly Write[] {
  if (target === undefined || service === undefined || version === undefined) return []
  const around = { release, target, service }
  const deployment = trackDeployment(around, track, version, replicas)
  const beside = trackService(around, track)
  const apply = (ref: Write['ref'], body: KubeObject): Write => ({ verb: 'apply', ref, name: body.metadata?.name ?? '', body })
  return [
    ...(isAsMade(tracks[track].service, beside) ? [] : [apply(refs.services, beside)]),
    ...(isAsMade(tracks[track].deployment, deployment) ? [] : [apply(refs.deployments, deployment)]),
  ]
}

/** What this release has made of it is taken away; what somebody else has made under the name is not. */
export function withoutTracks({ release, tracks }: World, which: readonly Track[] = TRACKS): readonly Write[] {
  return which.flatMap((track) => {
    const { deployment, service } = tracks[track]
    const gone = (ref: Write['ref'], object: apps.Deployment | core.Service | undefined): readonly Write[] =>
      object === undefined || !isMadeBy(object, release) || object.metadata?.deletionTimestamp !== undefined
        ? []
        : [{ verb: 'delete', ref, name: object.metadata?.name ?? '', body: { uid: object.metadata?.uid ?? '' } }]
    return [...gone(refs.deployments, deployment), ...gone(refs.services, service)]
  })
}

export function autoscalerWrites({ autoscalers }: World, isHeld: boolean): readonly Write[] {
  return autoscalers.flatMap((autoscaler) => {
    const body = isHeld ? holdPatch(autoscaler) : releasePatch(autoscaler)
    return body === undefined
      ? []
      : [{ verb: 'json' as const, ref: refs.horizontalpodautoscalers, name: autoscaler.metadata?.name ?? '', body }]
  })
}

/** None when the route says so already. The whole object at once, of the version that was read. */
export function routeWrites({ release, ingress, httpRoute }: World, shares: readonly Share[]): readonly Write[] {
  const { service = '', sticky } = release.spec
  const write = (ref: Write['ref'], known: KubeObject, body: KubeObject): readonly Write[] =>
    canonicalJson(body) === canonicalJson(known) ? [] : [{ verb: 'update', ref, name: known.metadata?.name ?? '', body }]
  return [
    ...(ingress === undefined ? [] : write(refs.ingresses, ingress, withShares(ingress, service, shares, sticky))),
    ...(httpRoute === undefined ? [] : write(httpRouteRef, httpRoute, withHttpShares(httpRoute, service, shares))),
  ]
}

export function templateWrite({ metadata }: apps.Deployment, version: Version, strategy: apps.DeploymentStrategy | undefined): Write {
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: metadata?.resourceVersion },
    { op: 'add', path: '/spec/template', value: version.template },
    ...(strategy === undefined ? [] : [{ op: 'add', path: '/spec/strategy', value: strategy }]),
  ]
  return { verb: 'json', ref: refs.deployments, name: metadata?.name ?? '', body }
}
