import { refs, type resource } from '#api'
import { after, type ControllerDefinition, done, evictPod, isTerminating } from '#reconcile'
import { type TaintsOf, evictingTaints, podDueMs } from './plan-device-eviction.ts'

const WHY = { reason: 'DeletionByDeviceTaintManager', message: 'Device Taint manager: deleting due to NoExecute taint' } as const
const CLAIMS_BY_POOL = 'pool'
const SLICES_BY_POOL = 'pool'

const poolKey = (driver: string, pool: string): string => `${driver}/${pool}`
const poolOf = ({ spec }: resource.ResourceSlice): string => poolKey(spec.driver, spec.pool.name)

/** Deletes pods that use devices whose drivers say that nobody may (NoExecute), unless their claims put up with it. */
export const deviceTaintEvictionController: ControllerDefinition = {
  name: 'device-taint-eviction-controller',
  setup(context) {
    const { client, events } = context
    /** Uids of pods whose deletion is set, by their keys. */
    const scheduled = new Map<string, string>()
    const pods = context.watch(refs.pods, ({ key, now }) =>
      (now?.spec?.resourceClaims ?? []).length > 0 || scheduled.has(key) ? [key] : [],
    )
    const podsOf = (claim: resource.ResourceClaim | undefined): readonly string[] =>
      (claim?.status?.reservedFor ?? []).flatMap(({ apiGroup = '', resource: kind, name }) =>
        apiGroup === '' && kind === 'pods' ? [`${claim?.metadata?.namespace ?? ''}/${name}`] : [],
      )
    const claims = context.watch(refs.resourceclaims, ({ old, now }) => [...new Set([...podsOf(old), ...podsOf(now)])])
    claims.addIndex(CLAIMS_BY_POOL, ({ status }) => [
      ...new Set((status?.allocation?.devices?.results ?? []).map(({ driver, pool }) => poolKey(driver, pool))),
    ])
    const slices = context.watch(refs.resourceslices, ({ old, now }) => {
      const pools = new Set([old, now].flatMap((slice) => (slice === undefined ? [] : [poolOf(slice)])))
      return [...pools].flatMap((pool) => claims.byIndex(CLAIMS_BY_POOL, pool).flatMap(podsOf))
    })
    slices.addIndex(SLICES_BY_POOL, (slice) => [poolOf(slice)])
    const taintsOf: TaintsOf = (driver, pool, device) => {
      const told = slices.byIndex(SLICES_BY_POOL, poolKey(driver, pool))
      return told.length === 0 ? [] : (evictingTaints(told).get(device) ?? [])
    }
    const podClient = client.resource(refs.pods)

    return async (scope, key) => {
      const pod = pods.get(key)
      const uid = pod?.metadata?.uid ?? ''
      const isSet = scheduled.get(key) === uid
      if (pod === undefined || isTerminating(pod)) {
        scheduled.delete(key)
        return done
      }
      const namespace = pod.metadata?.namespace ?? ''
      const dueMs = podDueMs(pod, (name) => claims.get(`${namespace}/${name}`), taintsOf)
      if (dueMs === undefined) {
        scheduled.delete(key)
        if (isSet) events.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Cancelling deletion')
        return done
      }
      const inMs = dueMs - scope.clock.now()
      if (inMs > 0) {
        scheduled.set(key, uid)
        return after(inMs)
      }
      events.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Marking for deletion')
      await evictPod(scope, podClient, pod, WHY)
      scheduled.delete(key)
      return done
    }
  },
}
