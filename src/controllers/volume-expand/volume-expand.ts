import { compareQuantities, type core, refs } from '#api'
import { type ControllerDefinition, done } from '#reconcile'

const BEFORE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity'

/** Tells of claims that want to grow: whoever runs the volume's driver has to do it. */
export const volumeExpandController: ControllerDefinition = {
  name: 'persistentvolume-expander-controller',
  eventSource: 'volume_expand',
  setup: (context) => {
    const claims = context.watch(refs.persistentvolumeclaims, ({ key, old, now }) => {
      if (now?.status?.phase !== 'Bound') return []
      const isAsked = old === undefined || compareQuantities(wantedOf(now), wantedOf(old)) > 0 || capacityOf(now) !== capacityOf(old)
      return isAsked ? [key] : []
    })
    const volumes = context.informers.informer(refs.persistentvolumes)
    return (_, key) => {
      const claim = claims.get(key)
      const volume = volumes.get(claim?.spec?.volumeName ?? '')
      if (claim === undefined || volume?.spec?.claimRef?.uid !== claim.metadata?.uid) return Promise.resolve(done)
      const grows = compareQuantities(wantedOf(claim), capacityOf(claim)) > 0
      if (grows || volume?.metadata?.annotations?.[BEFORE_RESIZE] !== undefined)
        context.events.event(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC')
      return Promise.resolve(done)
    }
  },
}

const wantedOf = ({ spec }: core.PersistentVolumeClaim): string => spec?.resources?.requests?.['storage'] ?? '0'
const capacityOf = ({ status }: core.PersistentVolumeClaim): string => status?.capacity?.['storage'] ?? '0'
