import type { core, resource } from '#api'
import { requestText } from './constraints.ts'
import type { Chosen } from './wanted.ts'

/** What is written into the claim. */
export function allocationOf(claim: resource.ResourceClaim, chosen: readonly Chosen[], nodeName: string): resource.AllocationResult {
  const config = configOf(claim, chosen)
  const nodeSelector = nodeSelectorOf(chosen, nodeName)
  return {
    devices: { results: chosen.map(resultOf), ...(config.length === 0 ? {} : { config }) },
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  }
}

function resultOf({ wanted, candidate, share, shareId }: Chosen): resource.DeviceRequestAllocationResult {
  const { device, pool } = candidate
  const { tolerations = [] } = wanted.request
  const { bindingConditions, bindingFailureConditions } = device
  return {
    request: requestText(wanted.name),
    driver: pool.driver,
    pool: pool.name,
    device: device.name,
    ...(wanted.isAdmin ? { adminAccess: true } : {}),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    ...(bindingConditions === undefined ? {} : { bindingConditions }),
    ...(bindingFailureConditions === undefined ? {} : { bindingFailureConditions }),
    ...(shareId === undefined ? {} : { shareID: shareId }),
    ...(share === undefined || Object.keys(share).length === 0 ? {} : { consumedCapacity: { ...share } }),
  }
}

/** That of the classes first, once for all requests of a class; then the claim's own, as far as it is about what was chosen. */
function configOf({ spec }: resource.ResourceClaim, chosen: readonly Chosen[]): resource.DeviceAllocationConfiguration[] {
  const requests = new Map(chosen.map(({ wanted }) => [requestText(wanted.name), wanted]))
  const classes = new Map<string, { readonly of: resource.DeviceClass; readonly requests: string[] }>()
  for (const [request, { deviceClass }] of requests) {
    const name = deviceClass.metadata?.name ?? ''
    const known = classes.get(name)
    if (known === undefined) classes.set(name, { of: deviceClass, requests: [request] })
    else known.requests.push(request)
  }
  const ofClasses = [...classes.values()].flatMap(({ of, requests: names }) =>
    (of.spec.config ?? []).map(({ opaque }) => ({ source: 'FromClass', requests: names, ...(opaque && { opaque }) })),
  )
  const ofClaim = (spec.devices?.config ?? [])
    .filter(
      ({ requests: names = [] }) =>
        names.length === 0 || [...requests.values()].some(({ name }) => names.includes(name.base) || names.includes(requestText(name))),
    )
    .map(({ requests: names = [], opaque }) => ({
      source: 'FromClaim',
      ...(names.length === 0 ? {} : { requests: names }),
      ...(opaque && { opaque }),
    }))
  return [...ofClasses, ...ofClaim]
}

/** Where all of the devices can be used. */
function nodeSelectorOf(chosen: readonly Chosen[], nodeName: string): core.NodeSelector | undefined {
  const term: { matchFields: core.NodeSelectorRequirement[]; matchExpressions: core.NodeSelectorRequirement[] } = {
    matchFields: [],
    matchExpressions: [],
  }
  const add = (to: core.NodeSelectorRequirement[], from: readonly core.NodeSelectorRequirement[] | undefined): void => {
    for (const one of from ?? []) if (!to.some((known) => JSON.stringify(known) === JSON.stringify(one))) to.push(one)
  }
  for (const { candidate } of chosen) {
    const { nodeName: of, nodeSelector } = candidate.slice.spec.perDeviceNodeSelection === true ? candidate.device : candidate.slice.spec
    if ((of ?? '') !== '' || candidate.device.bindsToNode === true)
      return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }] }
    const [only] = nodeSelector?.nodeSelectorTerms ?? []
    add(term.matchFields, only?.matchFields)
    add(term.matchExpressions, only?.matchExpressions)
  }
  if (term.matchFields.length + term.matchExpressions.length === 0) return undefined
  return {
    nodeSelectorTerms: [
      {
        ...(term.matchExpressions.length === 0 ? {} : { matchExpressions: term.matchExpressions }),
        ...(term.matchFields.length === 0 ? {} : { matchFields: term.matchFields }),
      },
    ],
  }
}
