import { type Dict, dict, isDict, mapDict } from '../value.ts'

/** Name servers that are nothing are none. */
export function withoutBlanks(root: Dict): Dict {
  const services = root['services']
  if (!isDict(services)) return root
  const cleaned = mapDict(services, (service) => {
    const servers = isDict(service) ? service['dns'] : undefined
    return isDict(service) && Array.isArray(servers)
      ? dict([...Object.entries(service), ['dns', servers.filter((server) => server !== '' && server !== null)]])
      : service
  })
  return dict([...Object.entries(root), ['services', cleaned]])
}
