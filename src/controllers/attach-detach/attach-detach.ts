import type { Scope } from '#base'
import { type core, isAlreadyExists, isNotFound, podReferences, refs, type storage } from '#api'
import {
  type ControllerContext,
  type ControllerDefinition,
  PODS_BY_CLAIM,
  PODS_BY_NODE,
  type Reconcile,
  after,
  done,
  indexByClaim,
  indexByNode,
  isFinished,
  isTerminating,
} from '#reconcile'
import { type Attachable, attachableOf, isShareable, planAttachments } from './plan-attachments.ts'

const BY_NODE = 'node'
const BY_VOLUME = 'volume'
/** A volume that another node has is asked for again after this long. */
const BUSY_MS = 10_000

/** Says by VolumeAttachments which volumes of CSI drivers belong to which node: their attachers do the work, and nodes mount what they are told they have. */
export const attachDetachController: ControllerDefinition = { name: 'attachdetach-controller', setup }

function setup(context: ControllerContext): Reconcile {
  const { client, events, informers } = context
  const claims = informers.informer(refs.persistentvolumeclaims)
  const volumes = informers.informer(refs.persistentvolumes)
  const drivers = informers.informer(refs.csidrivers)
  const pods = context.watch(refs.pods, ({ old, now }) => {
    const pod = now ?? old
    const node = pod?.spec?.nodeName ?? ''
    return pod === undefined || node === '' || podReferences(pod).claims.size === 0 ? [] : [node]
  })
  indexByNode(pods)
  indexByClaim(pods)
  const nodes = context.watch(refs.nodes, ({ key, old, now }) => {
    const state = (node: core.Node | undefined): string =>
      JSON.stringify([node?.metadata?.annotations, node?.status?.volumesInUse, node?.status?.volumesAttached, node?.spec?.taints])
    return old === undefined || now === undefined || state(old) !== state(now) ? [key] : []
  })
  const attachments = context.watch(refs.volumeattachments, ({ old, now }) => {
    const { nodeName = '', source } = (now ?? old)?.spec ?? {}
    // A volume that has become free may be waited for elsewhere.
    const waiting = now === undefined ? usersOf(source?.persistentVolumeName ?? '').map((pod) => pod.spec?.nodeName ?? '') : []
    return [...new Set([nodeName, ...waiting])]
  })
  attachments.addIndex(BY_NODE, ({ spec }) => [spec.nodeName])
  attachments.addIndex(BY_VOLUME, ({ spec }) => [spec.source.persistentVolumeName ?? ''])
  const unwantedSince = new Map<string, number>()

  const volumeOfClaim = (namespace: string, name: string): core.PersistentVolume | undefined => {
    const claim = claims.get(`${namespace}/${name}`)
    const volume = volumes.get(claim?.spec?.volumeName ?? '')
    return volume?.spec?.claimRef?.uid === claim?.metadata?.uid ? volume : undefined
  }
  const attachable = (volume: core.PersistentVolume, node: string): Attachable | undefined =>
    attachableOf(volume, drivers.get(volume.spec?.csi?.driver ?? ''), node)
  const usersOf = (volume: string): readonly core.Pod[] => {
    const { namespace = '', name = '' } = volumes.get(volume)?.spec?.claimRef ?? {}
    return pods.byIndex(PODS_BY_CLAIM, `${namespace}/${name}`).filter((pod) => (pod.spec?.nodeName ?? '') !== '' && !hasEnded(pod))
  }

  function wantedOn(node: string): readonly Attachable[] {
    const found = new Map<string, Attachable>()
    for (const pod of pods.byIndex(PODS_BY_NODE, node)) {
      if (hasEnded(pod)) continue
      for (const claim of podReferences(pod).claims) {
        const volume = volumeOfClaim(pod.metadata?.namespace ?? '', claim)
        const one = volume === undefined ? undefined : attachable(volume, node)
        if (one !== undefined) found.set(one.attachment, one)
      }
    }
    return [...found.values()]
  }

  function presentOn(node: string): readonly { readonly attachable: Attachable; readonly attachment: storage.VolumeAttachment }[] {
    return attachments.byIndex(BY_NODE, node).flatMap((attachment) => {
      const volume = volumes.get(attachment.spec.source.persistentVolumeName ?? '')
      const csi = volume === undefined ? undefined : attachableOf(volume, undefined, node)
      // Attachments under other names are somebody else's.
      return csi === undefined || csi.attachment !== attachment.metadata?.name ? [] : [{ attachable: csi, attachment }]
    })
  }

  /** False while another node has a volume that only one may have. */
  async function attach(scope: Scope, node: string, { volume, driver, attachment }: Attachable): Promise<boolean> {
    const stored = volumes.get(volume)
    const elsewhere = attachments.byIndex(BY_VOLUME, volume).some(({ spec }) => spec.nodeName !== node)
    if (stored !== undefined && elsewhere && !isShareable(stored)) {
      const others = usersOf(volume).filter((pod) => pod.spec?.nodeName !== node)
      const why =
        others.length > 0
          ? `Volume is already used by pod(s) ${others.map(({ metadata }) => metadata?.name ?? '').join(', ')}`
          : "Volume is already exclusively attached to one node and can't be attached to another"
      tell(node, volume, 'Warning', 'FailedAttachVolume', `Multi-Attach error for volume ${JSON.stringify(volume)} ${why}`)
      return false
    }
    const spec = { attacher: driver, nodeName: node, source: { persistentVolumeName: volume } }
    try {
      await client.resource(refs.volumeattachments).create(scope, { metadata: { name: attachment }, spec })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
    return true
  }

  function tell(node: string, volume: string, type: 'Normal' | 'Warning', reason: string, message: string): void {
    for (const pod of usersOf(volume)) if (pod.spec?.nodeName === node) events.event(pod, type, reason, message)
  }

  function tellOutcomes(node: string, known: readonly core.AttachedVolume[]): void {
    const before = new Set(known.map(({ name }) => name))
    for (const { attachable: one, attachment } of presentOn(node)) {
      const { attached, attachError } = attachment.status ?? {}
      const of = `for volume ${JSON.stringify(one.volume)}`
      if (attached === true && !before.has(one.uniqueName))
        tell(node, one.volume, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded ${of} `)
      else if (attached !== true && attachError !== undefined)
        tell(node, one.volume, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed ${of} : ${attachError.message ?? ''}`)
    }
  }

  return async (scope, name) => {
    const node = nodes.get(name)
    const wanted = wantedOn(name)
    const present = presentOn(name)
    const nowMs = scope.clock.monotonic()
    const unwantedMs = new Map<string, number>()
    for (const { attachable: one } of present) {
      if (wanted.some(({ attachment }) => attachment === one.attachment)) unwantedSince.delete(one.attachment)
      else if (!unwantedSince.has(one.attachment)) unwantedSince.set(one.attachment, nowMs)
      unwantedMs.set(one.attachment, nowMs - (unwantedSince.get(one.attachment) ?? nowMs))
    }
    const plan = planAttachments({ node, wanted, present, unwantedMs })
    tellOutcomes(name, node?.status?.volumesAttached ?? [])
    if (plan.attached !== undefined) {
      const body = { metadata: { resourceVersion: node?.metadata?.resourceVersion }, status: { volumesAttached: plan.attached } }
      await client.resource(refs.nodes).patch(scope, { name }, { type: 'merge', body }, { subresource: 'status' })
    }
    for (const { attachment } of plan.detach) {
      unwantedSince.delete(attachment)
      try {
        await client.resource(refs.volumeattachments).delete(scope, { name: attachment })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
    let isBusy = false
    for (const one of plan.attach) if (!(await attach(scope, name, one))) isBusy = true
    const againMs = Math.min(plan.againMs ?? Number.POSITIVE_INFINITY, isBusy ? BUSY_MS : Number.POSITIVE_INFINITY)
    return Number.isFinite(againMs) ? after(againMs) : done
  }
}

/** Finished, or on its way out with nothing running any more. */
function hasEnded(pod: core.Pod): boolean {
  if (isFinished(pod)) return true
  const statuses = pod.status?.containerStatuses ?? []
  return isTerminating(pod) && statuses.every(({ state }) => state?.running === undefined)
}
