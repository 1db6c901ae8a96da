import type { Scope } from '#base'
import { type core, isNotFound, keyOf, refs, type storage } from '#api'
import {
  type ControllerContext,
  type ControllerDefinition,
  type Informer,
  PODS_BY_CLAIM,
  type Reconcile,
  after,
  done,
  indexByClaim,
  isFinished,
} from '#reconcile'
import { BIND_COMPLETED, PROVISIONER, PROVISIONER_BETA, classOfClaim, classOfVolume, hasAnnotation } from './annotations.ts'
import { bind, writeClaimStatus, writePhase } from './bind.ts'
import { type ClaimView, type Notice, planClaim } from './plan-claim.ts'
import { planVolume, unbound } from './plan-volume.ts'

type Claim = core.PersistentVolumeClaim
type Volume = core.PersistentVolume

/** Claims that wait are looked at, and told of, again after this long. */
const RESYNC_MS = 15_000
const EVENT_SOURCE = 'persistentvolume-controller'
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'

const BY_CLASS = 'class'
const BY_CLAIM = 'claim'
const OPEN_BY_CLASS = 'open-by-class'
const BY_VOLUME = 'volume'

interface Caches {
  readonly claims: Informer<Claim>
  readonly volumes: Informer<Volume>
  readonly pods: Informer<core.Pod>
  readonly classes: Informer<storage.StorageClass>
}

function caches({ informers }: ControllerContext): Caches {
  const claims = informers.informer(refs.persistentvolumeclaims)
  const volumes = informers.informer(refs.persistentvolumes)
  const pods = informers.informer(refs.pods)
  claims.addIndex(OPEN_BY_CLASS, (claim) => (hasAnnotation(claim, BIND_COMPLETED) ? [] : [classOfClaim(claim)]))
  claims.addIndex(BY_VOLUME, (claim) => (claim.spec?.volumeName ? [claim.spec.volumeName] : []))
  volumes.addIndex(BY_CLASS, (volume) => [classOfVolume(volume)])
  volumes.addIndex(BY_CLAIM, (volume) => claimKey(volume))
  indexByClaim(pods)
  return { claims, volumes, pods, classes: informers.informer(refs.storageclasses) }
}

function claimKey({ spec }: Volume): readonly string[] {
  const { namespace, name } = spec?.claimRef ?? {}
  return name === undefined ? [] : [`${namespace ?? ''}/${name}`]
}

/** Finds each claim its volume, or says why it has none. */
export const claimBinder: ControllerDefinition = {
  name: 'persistentvolume-binder-controller',
  eventSource: EVENT_SOURCE,
  setup: (context) => {
    const shared = caches(context)
    const { claims, volumes, classes } = shared
    context.watch(refs.persistentvolumeclaims, ({ key, now }) => (now === undefined ? [] : [key]))
    context.watch(refs.persistentvolumes, ({ old, now }) => {
      const concerned = [old, now].flatMap((volume) => (volume === undefined ? [] : claimKey(volume)))
      const named = claims.byIndex(BY_VOLUME, (now ?? old)?.metadata?.name ?? '').map(keyOf)
      const waiting = now?.status?.phase === 'Available' ? claims.byIndex(OPEN_BY_CLASS, classOfVolume(now)).map(keyOf) : []
      return [...new Set([...concerned, ...named, ...waiting])]
    })
    context.watch(refs.storageclasses, ({ key }) =>
      [...claims.byIndex(OPEN_BY_CLASS, key), ...claims.byIndex(OPEN_BY_CLASS, '')].map(keyOf),
    )
    const view: ClaimView = {
      volume: (name) => volumes.get(name),
      candidates: (claim) => [...new Set([...volumes.byIndex(BY_CLASS, classOfClaim(claim)), ...volumes.byIndex(BY_CLAIM, keyOf(claim))])],
      storageClass: (name) => classes.get(name),
      defaultClass: () => newest(classes.list().filter((one) => one.metadata?.annotations?.[DEFAULT_CLASS] === 'true')),
      waitingPods: (claim) =>
        shared.pods
          .byIndex(PODS_BY_CLAIM, keyOf(claim))
          .filter((pod) => !isFinished(pod) && (pod.spec?.nodeName ?? '') === '')
          .map((pod) => pod.metadata?.name ?? ''),
    }
    return claimReconcile(context, claims, view)
  },
}

function newest(classes: readonly storage.StorageClass[]): storage.StorageClass | undefined {
  const age = ({ metadata }: storage.StorageClass): string => metadata?.creationTimestamp ?? ''
  const name = ({ metadata }: storage.StorageClass): string => metadata?.name ?? ''
  return [...classes].sort((a, b) => (age(a) === age(b) ? (name(a) < name(b) ? -1 : 1) : age(a) > age(b) ? -1 : 1))[0]
}

function claimReconcile({ client, events }: ControllerContext, claims: Informer<Claim>, view: ClaimView): Reconcile {
  const claimClient = client.resource(refs.persistentvolumeclaims)
  return async (scope, key) => {
    const claim = claims.get(key)
    if (claim === undefined) return done
    const tell = ({ type, reason, message }: Notice): void => events.event(claim, type, reason, message)
    const plan = planClaim(claim, view)
    switch (plan.kind) {
      case 'bind':
        await bind(scope, client, plan.volume, claim)
        return done
      case 'pending':
        if (plan.notice !== undefined) tell(plan.notice)
        await writeClaimStatus(scope, client, claim, 'Pending')
        return after(RESYNC_MS)
      case 'lost':
        if (claim.status?.phase === 'Lost') return done
        await writeClaimStatus(scope, client, claim, 'Lost')
        tell(plan.notice)
        return done
      case 'assign-class':
        await claimClient.update(scope, { ...claim, spec: { ...claim.spec, storageClassName: plan.name } })
        return done
      case 'provision': {
        const annotations = { ...claim.metadata?.annotations, [PROVISIONER_BETA]: plan.provisioner, [PROVISIONER]: plan.provisioner }
        if (claim.metadata?.annotations?.[PROVISIONER] !== plan.provisioner)
          await claimClient.update(scope, { ...claim, metadata: { ...claim.metadata, annotations } })
        tell(plan.notice)
        return after(RESYNC_MS)
      }
      case 'tell':
        tell(plan.notice)
        return after(RESYNC_MS)
      default:
        return plan satisfies never
    }
  }
}

/** Keeps the phase of each volume, and sees to what becomes of it when its claim has gone. */
export const volumeBinder: ControllerDefinition = {
  name: 'persistentvolume-binder-controller-volumes',
  eventSource: EVENT_SOURCE,
  setup: (context) => {
    const { claims, volumes } = caches(context)
    context.watch(refs.persistentvolumes, ({ key, now }) => (now === undefined ? [] : [key]))
    context.watch(refs.persistentvolumeclaims, ({ key, old, now }) => {
      const named = [old?.spec?.volumeName, now?.spec?.volumeName].filter((name): name is string => name !== undefined && name !== '')
      return [...new Set([...named, ...volumes.byIndex(BY_CLAIM, key).map(keyOf)])]
    })
    return volumeReconcile(context, claims, volumes)
  },
}

function volumeReconcile(context: ControllerContext, claims: Informer<Claim>, volumes: Informer<Volume>): Reconcile {
  const { client, events } = context

  /** A volume is not given up because a cache is behind: the server is asked before. */
  async function claimOf(scope: Scope, { spec }: Volume): Promise<Claim | undefined> {
    const { namespace = '', name = '', uid } = spec?.claimRef ?? {}
    const seen = claims.get(`${namespace}/${name}`)
    if (seen?.metadata?.uid === uid) return seen
    try {
      const now = await client.resource(refs.persistentvolumeclaims).get(scope, { namespace, name })
      return now.metadata?.uid === uid ? now : undefined
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  return async (scope, key) => {
    const volume = volumes.get(key)
    if (volume === undefined) return done
    const claim = (volume.spec?.claimRef?.uid ?? '') === '' ? undefined : await claimOf(scope, volume)
    const plan = planVolume(volume, claim)
    switch (plan.kind) {
      case 'phase':
        await writePhase(scope, client, volume, plan.phase)
        return done
      case 'release': {
        const isKnown = volume.status?.phase === 'Released' || volume.status?.phase === 'Failed'
        const released = isKnown ? volume : await writePhase(scope, client, volume, 'Released')
        if (plan.problem === undefined || released.status?.phase === 'Failed') return done
        await writePhase(scope, client, released, 'Failed', plan.problem.message)
        events.event(volume, 'Warning', plan.problem.reason, plan.problem.message)
        return done
      }
      case 'unbind':
        await writePhase(scope, client, await client.resource(refs.persistentvolumes).update(scope, unbound(volume)), 'Available')
        return done
      case 'mismatch': {
        const [of, to] = [JSON.stringify(volume.metadata?.name ?? ''), JSON.stringify(claim?.metadata?.name ?? '')]
        const why = 'due to incompatible volumeMode.'
        events.event(volume, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${to} ${why}`)
        if (claim !== undefined)
          events.event(claim, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume ${of} to requested PersistentVolumeClaim ${why}`)
        return after(RESYNC_MS)
      }
      case 'wait':
        return done
      default:
        return plan satisfies never
    }
  }
}
