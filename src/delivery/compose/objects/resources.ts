import type { core } from '#api'
import { type Dict, childDict } from '#compose'
import { dictsOf, type Findings, numberOf, textOf, textsOf } from '../reader.ts'

/** CPU and memory of a container, from both places where Compose has them. Compose has made sure that they agree. */
export function resourcesOf(
  name: string,
  service: Dict,
  gpus: number | undefined,
  findings: Findings,
): core.ResourceRequirements | undefined {
  const given = childDict(childDict(service, 'deploy'), 'resources')
  const [limits, reservations] = [childDict(given, 'limits'), childDict(given, 'reservations')]
  if (limits['pids'] !== undefined) findings.refuse(['services', name, 'deploy'], 'limits.pids: set for all pods of a node')
  if (dictsOf(reservations['generic_resources']).length > 0)
    findings.refuse(['services', name, 'deploy'], 'generic resources come from device plugins')
  const shares = numberOf(service['cpu_shares'])
  const devices = gpus ?? gpusOf(name, service, reservations, findings)
  const limit = {
    ...cpu(numberOf(service['cpus']) ?? numberOf(limits['cpus'])),
    ...memory(textOf(service['mem_limit']) ?? textOf(limits['memory'])),
    ...(devices === undefined ? {} : { 'nvidia.com/gpu': String(devices) }),
  }
  const request = {
    ...cpu(numberOf(reservations['cpus']) ?? (shares === undefined ? undefined : shares / 1024)),
    ...memory(textOf(service['mem_reservation']) ?? textOf(reservations['memory'])),
  }
  const found = {
    ...(Object.keys(limit).length > 0 ? { limits: limit } : {}),
    ...(Object.keys(request).length > 0 ? { requests: request } : {}),
  }
  return Object.keys(found).length > 0 ? found : undefined
}

const cpu = (cpus: number | undefined): { readonly cpu?: string } =>
  cpus === undefined ? {} : { cpu: `${Math.max(1, Math.round(cpus * 1000))}m` }
const memory = (bytes: string | undefined): { readonly memory?: string } => (bytes === undefined ? {} : { memory: bytes })

function gpusOf(name: string, service: Dict, reservations: Dict, findings: Findings): number | undefined {
  let sum = 0
  for (const request of [...dictsOf(service['gpus']), ...dictsOf(reservations['devices'])]) {
    const count = numberOf(request['count'])
    const kinds = textsOf(request['capabilities'])
    if (count === -1) findings.refuse(['services', name, 'gpus'], 'all GPUs of a node cannot be asked for: give a number')
    else if (kinds.length > 0 && !kinds.includes('gpu') && !kinds.includes('nvidia'))
      findings.refuse(['services', name, 'deploy'], `devices of ${kinds.join(', ')} come from device plugins`)
    else sum += count ?? (textsOf(request['device_ids']).length || 1)
  }
  return sum === 0 ? undefined : sum
}
