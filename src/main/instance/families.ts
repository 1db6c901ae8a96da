import { UserError } from '#base'
import { IP_FAMILIES, type IpFamily } from '#api'

const WAYS = 'give IPv4, IPv6, or IPv4,IPv6'

/** One family, or both with a comma between: the first one is that of a pod's first address. Throws `UserError`. */
export function parseFamilies(text: string): readonly IpFamily[] {
  const found = text.split(',')
  const known = found.filter((one): one is IpFamily => (IP_FAMILIES as readonly string[]).includes(one))
  if (known.length < found.length || new Set(found).size < found.length) throw new UserError(`not address families: ${text}`, WAYS)
  if (known.length > 1 && known[0] !== 'IPv4') throw new UserError(`a cluster of both families has IPv4 first: ${text}`, WAYS)
  return known
}
