import { EXTENDED_CLAIM_ANNOTATION, type core, quantityValue, type resource } from '#api'

/** The claim that stands for extended resources that a node has from drivers, and which container's request is which of the claim's. */
export interface ExtendedClaim {
  readonly claim: resource.ResourceClaim
  readonly mappings: readonly core.ContainerExtendedResourceRequest[]
}

interface Part {
  readonly container: core.Container
  readonly index: number
  readonly passes: boolean
}

/**
 * One request for each container and resource. Init containers that end use what containers after them will have; of what they need beyond that only
 * the most is asked for. `resources`: extended resource → class of devices.
 */
export function extendedClaimOf(pod: core.Pod, resources: ReadonlyMap<string, string>): ExtendedClaim {
  const { initContainers = [], containers = [] } = pod.spec ?? {}
  const parts = [...initContainers, ...containers].map(
    (container, index): Part => ({
      container,
      index,
      passes: index < initContainers.length && container.restartPolicy !== 'Always',
    }),
  )
  const requests: resource.DeviceRequest[] = []
  const mappings: core.ContainerExtendedResourceRequest[] = []
  for (const [name, deviceClass] of [...resources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const lasting = new Map<number, resource.DeviceRequest>()
    for (const part of parts.filter(({ passes }) => !passes)) {
      const count = countOf(part, name)
      if (count === 0) continue
      const request = requestFor(part, name, deviceClass, count)
      lasting.set(part.index, request)
      mappings.push(mappingOf(part, name, request.name))
    }
    const ofPassing: core.ContainerExtendedResourceRequest[] = []
    const beyond: resource.DeviceRequest[] = []
    for (const part of parts.filter(({ passes }) => passes)) {
      let missing = countOf(part, name)
      for (const [index, request] of lasting) {
        if (missing <= 0 || index < part.index) continue
        missing -= request.exactly?.count ?? 0
        ofPassing.push(mappingOf(part, name, request.name))
      }
      if (missing <= 0) continue
      const request = requestFor(part, name, deviceClass, missing)
      beyond.push(request)
      ofPassing.push(mappingOf(part, name, request.name))
    }
    const most = beyond.reduce<resource.DeviceRequest | undefined>(
      (best, one) => ((best?.exactly?.count ?? 0) < (one.exactly?.count ?? 0) ? one : best),
      undefined,
    )
    const others = new Set(beyond.map((one) => one.name))
    for (const mapping of ofPassing)
      mappings.push(most !== undefined && others.has(mapping.requestName) ? { ...mapping, requestName: most.name } : mapping)
    requests.push(...(most === undefined ? [] : [most]), ...lasting.values())
  }
  requests.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { claim: claimFor(pod, requests), mappings }
}

const countOf = ({ container }: Part, name: string): number => {
  const amount = container.resources?.requests?.[name]
  return amount === undefined ? 0 : quantityValue(amount)
}

function requestFor({ container, index }: Part, name: string, deviceClassName: string, count: number): resource.DeviceRequest {
  const place = Object.keys(container.resources?.requests ?? {})
    .sort()
    .indexOf(name)
  return { name: `container-${index}-request-${place}`, exactly: { deviceClassName, allocationMode: 'ExactCount', count } }
}

const mappingOf = ({ container }: Part, resourceName: string, requestName: string): core.ContainerExtendedResourceRequest => ({
  containerName: container.name,
  resourceName,
  requestName,
})

function claimFor(pod: core.Pod, requests: resource.DeviceRequest[]): resource.ResourceClaim {
  const { namespace, name = '', uid = '' } = pod.metadata ?? {}
  return {
    metadata: {
      generateName: `${name}-extended-resources-`,
      namespace,
      annotations: { [EXTENDED_CLAIM_ANNOTATION]: 'true' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
    },
    spec: { devices: { requests } },
  }
}
