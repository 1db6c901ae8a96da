import { messageOf, SampanError } from '#base'
import { type core, refs } from '#api'
import { type ControllerDefinition, controllerReference, done, isControlledBy, isTerminating } from '#reconcile'

class NotOwned extends SampanError {
  readonly code = 'CLAIM_NOT_OWNED'
}

/** Makes the claims of pods' ephemeral volumes; the pods own them. */
export const ephemeralVolumeController: ControllerDefinition = {
  name: 'ephemeral-volume-controller',
  eventSource: 'ephemeral_volume',
  setup: (context) => {
    const pods = context.watch(refs.pods, ({ key, now }) => (now !== undefined && !isTerminating(now) && hasEphemeral(now) ? [key] : []))
    const claims = context.watch(refs.persistentvolumeclaims, ({ old, now }) => {
      // Somebody has deleted it, perhaps by mistake: it is made again.
      const owner =
        now === undefined ? old?.metadata?.ownerReferences?.find(({ controller, kind }) => controller && kind === 'Pod') : undefined
      return owner === undefined ? [] : [`${old?.metadata?.namespace ?? ''}/${owner.name}`]
    })
    const client = context.client.resource(refs.persistentvolumeclaims)
    return async (scope, key) => {
      const pod = pods.get(key)
      if (pod === undefined || isTerminating(pod)) return done
      for (const volume of pod.spec?.volumes ?? []) {
        if (volume.ephemeral === undefined) continue
        const wanted = claimFor(pod, volume)
        const { namespace = '', name = '' } = wanted.metadata ?? {}
        try {
          const claim = claims.get(`${namespace}/${name}`)
          if (claim === undefined) await client.create(scope, wanted)
          else if (!isControlledBy(claim, pod))
            throw new NotOwned(`PVC ${namespace}/${name} was not created for pod ${key} (pod is not owner)`)
        } catch (error) {
          scope.check()
          const why = error instanceof NotOwned ? error.message : `create PVC ${name}: ${messageOf(error)}`
          context.events.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${why}`)
          throw error
        }
      }
      return done
    }
  },
}

const hasEphemeral = ({ spec }: core.Pod): boolean => (spec?.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined)

function claimFor(pod: core.Pod, { name, ephemeral }: core.Volume): core.PersistentVolumeClaim {
  const { metadata, spec } = ephemeral?.volumeClaimTemplate ?? {}
  return {
    metadata: {
      name: `${pod.metadata?.name ?? ''}-${name}`,
      namespace: pod.metadata?.namespace,
      ownerReferences: [controllerReference(pod, refs.pods)],
      ...(metadata?.annotations === undefined ? {} : { annotations: { ...metadata.annotations } }),
      ...(metadata?.labels === undefined ? {} : { labels: { ...metadata.labels } }),
    },
    ...(spec === undefined ? {} : { spec: { ...spec } }),
  }
}
