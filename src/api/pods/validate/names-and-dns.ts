import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { newIpErrors } from '../../validation/ip.ts'
import { dnsSubdomainErrors, relaxedSubdomainErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

const MOST_NAMESERVERS = 3
const MOST_SEARCHES = 32
const LONGEST_SEARCHES = 2048

export function validateDnsConfig({ dnsConfig, dnsPolicy }: core.PodSpec, path: Path, errors: FieldErrors): void {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {}
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) errors.push(fieldError.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None'))
    else if (nameservers.length === 0) {
      errors.push(fieldError.required(path.child('nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
      return
    }
  }
  if (dnsConfig === undefined) return
  const [servers, lists] = [path.child('nameservers'), path.child('searches')]
  if (nameservers.length > MOST_NAMESERVERS)
    errors.push(fieldError.invalid(servers, nameservers, `must not have more than ${MOST_NAMESERVERS} nameservers`))
  nameservers.forEach((server, i) => invalidText(server, newIpErrors(server), servers.index(i), errors))
  if (searches.length > MOST_SEARCHES)
    errors.push(fieldError.invalid(lists, searches, `must not have more than ${MOST_SEARCHES} search paths`))
  if (searches.join(' ').length > LONGEST_SEARCHES) {
    errors.push(
      fieldError.invalid(lists, searches, `must not have more than ${LONGEST_SEARCHES} characters (including spaces) in the search list`),
    )
  }
  searches.forEach((search, i) => {
    if (search === '.') return
    const name = search.endsWith('.') ? search.slice(0, -1) : search
    invalidText(name, relaxedSubdomainErrors(name), lists.index(i), errors)
  })
  options.forEach(({ name = '' }, i) => {
    if (name === '') errors.push(fieldError.required(path.child('options').index(i), 'must not be empty'))
  })
}

export function validateHostAliases(aliases: readonly core.HostAlias[], path: Path, errors: FieldErrors): void {
  aliases.forEach(({ ip = '', hostnames = [] }, i) => {
    invalidText(ip, newIpErrors(ip), path.index(i).child('ip'), errors)
    hostnames.forEach((name, n) => invalidText(name, dnsSubdomainErrors(name), path.index(i).child('hostnames').index(n), errors))
  })
}
