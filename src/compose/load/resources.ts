import { isAddress } from '../canonical/ports.ts'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, childDict, isDict } from '../value.ts'

/** Rules on single resources that the schema cannot say. Throws `ComposeRefused`. */
export function checkResources(root: Dict): void {
  for (const [name, volume] of Object.entries(childDict(root, 'volumes'))) checkExternal(`volumes.${name}`, volume)
  for (const [name, config] of Object.entries(childDict(root, 'configs')))
    checkSource(`configs.${name}`, config, ['file', 'environment', 'content'])
  for (const [name, secret] of Object.entries(childDict(root, 'secrets'))) checkSource(`secrets.${name}`, secret, ['file', 'environment'])
  for (const [name, service] of Object.entries(childDict(root, 'services'))) if (isDict(service)) checkService(`services.${name}`, service)
}

function checkSource(where: string, resource: Value, keys: readonly string[]): void {
  if (!isDict(resource)) return
  const given = keys.filter((key) => key in resource)
  if (given.length > 1) throw new ComposeRefused(`${where}: ${keys.join('|')} attributes are mutually exclusive`)
  if (given.length === 0 && !('driver' in resource) && !('external' in resource))
    throw new ComposeRefused(`${where}: one of ${keys.join('|')} must be set`)
}

/** A volume that is there already says nothing but its name. */
function checkExternal(where: string, volume: Value): void {
  if (!isDict(volume) || volume['external'] !== true) return
  const other = Object.keys(volume).find((key) => key !== 'name' && key !== 'external' && !key.startsWith('x-'))
  if (other !== undefined) throw new ComposeRefused(`${where}: conflicting parameters "external" and ${JSON.stringify(other)} specified`)
}

function checkService(where: string, service: Dict): void {
  const { ports, develop } = service
  for (const port of Array.isArray(ports) ? ports : []) {
    const address = isDict(port) ? port['host_ip'] : undefined
    if (typeof address === 'string' && !isAddress(address)) throw new ComposeRefused(`${where}.ports: invalid ip address: ${address}`)
  }
  const watched = isDict(develop) ? develop['watch'] : undefined
  for (const one of Array.isArray(watched) ? watched : [])
    if (isDict(one) && one['path'] === '') throw new ComposeRefused(`${where}.develop.watch: value can't be blank`)
  const reserved = childDict(childDict(childDict(service, 'deploy'), 'resources'), 'reservations')['devices']
  checkDevices(`${where}.deploy.resources.reservations.devices`, reserved)
  checkDevices(`${where}.gpus`, service['gpus'])
}

function checkDevices(where: string, devices: Value | undefined): void {
  for (const device of Array.isArray(devices) ? devices : [])
    if (isDict(device) && 'count' in device && 'device_ids' in device)
      throw new ComposeRefused(`${where}: "count" and "device_ids" attributes are exclusive`)
}
