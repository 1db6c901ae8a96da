import { UserError } from '#base'
import { IP_FAMILIES, type IpFamily } from '#api'

/** `IPv4`, or both families with a comma between: the first one is that of a pod's first address. Throws `UserError`. */
export function parseFamilies(text: string): readonly IpFamily[] {
  const found = text.split(',')
  const known = found.filter((one): one is IpFamily => (IP_FAMILIES as readonly string[]).includes(one))
  if (known.length < found.length || new Set(found).size < found.length)
    throw new UserError(`not address families: ${text}`, 'give IPv4, or IPv4,IPv6')
  if (known[0] !== 'IPv4') throw new UserError(`a cluster has IPv4 first: ${text}`, 'give IPv4, or IPv4,IPv6')
  return known
}
