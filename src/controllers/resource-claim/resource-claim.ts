import { type Scope, messageOf } from '#base'
import { CLAIM_FINALIZER, claimNameOf, consumerOf, type core, isNotFound, refs, type resource } from '#api'
import { CONTROLLER_UID_INDEX, type ControllerDefinition, controllerOf, done, indexOwners } from '#reconcile'
import { claimFromTemplate, claimsToReserve, isPodDone, planClaim, planPodClaims } from './plan-claims.ts'

const FIELD_MANAGER = 'ResourceClaimController'
const PODS_BY_RESOURCE_CLAIM = 'resourceClaim'
const PODS_BY_TEMPLATE = 'resourceClaimTemplate'
const POD = 'pod:'
const CLAIM = 'claim:'

const namespaceOf = ({ metadata }: core.Pod | resource.ResourceClaim): string => metadata?.namespace ?? ''
const hasClaims = ({ spec, status }: core.Pod): boolean =>
  (spec?.resourceClaims ?? []).length > 0 || status?.extendedResourceClaimStatus !== undefined

/** Makes the claims of pods from templates, and frees those that no pod uses any more. Pods without claims cost nothing. */
export const resourceClaimController: ControllerDefinition = {
  name: 'resource-claim-controller',
  eventSource: 'resource_claim',
  setup(context) {
    const claimKeys = (pod: core.Pod): string[] => {
      const names = (pod.spec?.resourceClaims ?? []).flatMap((podClaim) => {
        const known = claimNameOf(pod, podClaim)
        return known === undefined || known === 'unneeded' ? [] : [known.name]
      })
      const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName
      return [...names, ...(extended === undefined ? [] : [extended])].map((name) => `${namespaceOf(pod)}/${name}`)
    }
    const pods = context.watch(refs.pods, ({ key, old, now }) => {
      const pod = now ?? old
      if (pod === undefined || !hasClaims(pod)) return []
      const claims = now === undefined || isPodDone(now) ? claimKeys(pod).map((claim) => CLAIM + claim) : []
      return now === undefined ? claims : [...claims, POD + key]
    })
    pods.addIndex(PODS_BY_RESOURCE_CLAIM, (pod) => (hasClaims(pod) ? claimKeys(pod) : []))
    pods.addIndex(PODS_BY_TEMPLATE, (pod) =>
      (pod.spec?.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName: name }) =>
        name === undefined ? [] : [`${namespaceOf(pod)}/${name}`],
      ),
    )
    const podKey = (pod: core.Pod): string => `${POD}${namespaceOf(pod)}/${pod.metadata?.name ?? ''}`
    const claims = context.watch(refs.resourceclaims, ({ key, now }) => [
      ...(now === undefined ? [] : [CLAIM + key]),
      ...pods.byIndex(PODS_BY_RESOURCE_CLAIM, key).map(podKey),
    ])
    indexOwners(claims)
    const templates = context.watch(refs.resourceclaimtemplates, ({ key, now }) =>
      now === undefined ? [] : pods.byIndex(PODS_BY_TEMPLATE, key).map(podKey),
    )
    const claimClient = context.client.resource(refs.resourceclaims)
    const podClient = context.client.resource(refs.pods)

    async function syncPod(scope: Scope, pod: core.Pod): Promise<void> {
      const namespace = namespaceOf(pod)
      const claimOf = (name: string): resource.ResourceClaim | undefined => claims.get(`${namespace}/${name}`)
      const owned = claims.byIndex(CONTROLLER_UID_INDEX, pod.metadata?.uid ?? '')
      const made: core.PodResourceClaimStatus[] = []
      for (const step of planPodClaims(pod, claimOf, owned)) {
        const { name } = step.podClaim
        try {
          const claim = step.kind === 'adopt' ? step.claim : await create(scope, pod, name, step.template)
          made.push({ name, resourceClaimName: claim.metadata?.name ?? '' })
        } catch (error) {
          scope.check()
          context.events.event(pod, 'Warning', 'FailedResourceClaimCreation', `PodResourceClaim ${name}: ${messageOf(error)}`)
          throw error
        }
      }
      if (made.length > 0) {
        const told = (pod.status?.resourceClaimStatuses ?? []).filter((status) => !made.some(({ name }) => name === status.name))
        const body = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: pod.metadata?.name, namespace },
          status: { resourceClaimStatuses: [...told, ...made] },
        }
        const at = { namespace, name: pod.metadata?.name ?? '' }
        await podClient.patch(scope, at, { type: 'apply', body }, { subresource: 'status', fieldManager: FIELD_MANAGER, force: true })
      }
      for (const claim of claimsToReserve(pod, claimOf)) {
        const status = { ...claim.status, reservedFor: [...(claim.status?.reservedFor ?? []), consumerOf(pod)] }
        await claimClient.update(scope, { ...claim, status }, { subresource: 'status' })
      }
    }

    /** A claim that was just made may not be in the cache: it is looked for by its owner before another one is made. */
    async function create(scope: Scope, pod: core.Pod, podClaim: string, templateName: string): Promise<resource.ResourceClaim> {
      const namespace = namespaceOf(pod)
      const template = templates.get(`${namespace}/${templateName}`)
      if (template === undefined)
        throw new Error(
          `resource claim template ${JSON.stringify(templateName)}: resourceclaimtemplate.resource.k8s.io ${JSON.stringify(templateName)} not found`,
        )
      const fresh = await claimClient.list(scope, { namespace })
      const [there] = planPodClaims(pod, () => undefined, fresh.items).flatMap((step) =>
        step.kind === 'adopt' && step.podClaim.name === podClaim ? [step.claim] : [],
      )
      return there ?? claimClient.create(scope, claimFromTemplate(pod, podClaim, template))
    }

    async function isThere(
      scope: Scope,
      namespace: string,
      { apiGroup = '', resource: kind, name, uid }: resource.ResourceClaimConsumerReference,
    ): Promise<boolean> {
      if (apiGroup !== '' || kind !== 'pods') return true
      const known = pods.get(`${namespace}/${name}`)
      if (known !== undefined) return known.metadata?.uid === uid && !isPodDone(known)
      // The cache may be behind: a pod is taken for gone only when the API says so.
      try {
        return (await podClient.get(scope, { namespace, name })).metadata?.uid === uid
      } catch (error) {
        if (isNotFound(error)) return false
        throw error
      }
    }

    async function syncClaim(scope: Scope, claim: resource.ResourceClaim): Promise<void> {
      const namespace = namespaceOf(claim)
      const remaining: resource.ResourceClaimConsumerReference[] = []
      for (const consumer of claim.status?.reservedFor ?? []) if (await isThere(scope, namespace, consumer)) remaining.push(consumer)
      const owner = controllerOf(claim)
      const pod = owner?.kind === 'Pod' ? pods.get(`${namespace}/${owner.name}`) : undefined
      const plan = planClaim(claim, remaining, pod)
      let latest = claim
      try {
        if (plan.status !== undefined)
          latest = await claimClient.update(scope, { ...latest, status: plan.status }, { subresource: 'status' })
        if (plan.dropFinalizer) {
          const finalizers = (latest.metadata?.finalizers ?? []).filter((one) => one !== CLAIM_FINALIZER)
          latest = await claimClient.update(scope, { ...latest, metadata: { ...latest.metadata, finalizers } })
        }
        if (plan.remove && claim.metadata?.deletionTimestamp === undefined)
          await claimClient.delete(scope, { namespace, name: claim.metadata?.name ?? '' })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }

    return async (scope, key) => {
      if (key.startsWith(POD)) {
        const pod = pods.get(key.slice(POD.length))
        if (pod !== undefined) await syncPod(scope, pod)
      } else {
        const claim = claims.get(key.slice(CLAIM.length))
        if (claim !== undefined) await syncClaim(scope, claim)
      }
      return done
    }
  },
}
