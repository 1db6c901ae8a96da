import { defineResource } from '../../../define.ts'
import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import * as refs from '../../../refs.gen.ts'
import type { EndpointAddress, EndpointSubset, Endpoints } from '../../../types/core-v1.gen.ts'
import { ipFormWarnings } from '../../../validation/form-warnings.ts'
import { ipErrors, newIpErrors } from '../../../validation/ip.ts'
import { dnsLabelErrors, dnsSubdomainErrors, portNumberErrors, qualifiedNameErrors } from '../../../validation/names.ts'
import { invalidText, validateEnum, validateRequired } from '../../../validation/values.ts'
import { validateRoutable } from './service-validation.ts'

const SUBSETS = Path.of('subsets')
const DEPRECATED = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'
const SHOWN = 3

export const endpoints = defineResource(refs.endpoints, {
  strategy: {
    createOnUpdate: true,
    defaults: ({ subsets }: Endpoints) => {
      for (const subset of subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
    },
    validate,
    validateUpdate: (object, old, errors) => {
      if (JSON.stringify(object.subsets) !== JSON.stringify(old.subsets)) validate(object, errors)
    },
    warnings: (endpoints) => [DEPRECATED, ...formWarnings(endpoints)],
  },
  columns: { Endpoints: addressesText },
})

function addressesText({ subsets }: Endpoints): string {
  const all = (subsets ?? []).flatMap((subset) => {
    const addresses = (subset.addresses ?? []).map(({ ip }) => ip)
    return (subset.ports ?? []).length === 0
      ? addresses
      : (subset.ports ?? []).flatMap(({ port }) => addresses.map((ip) => `${ip}:${port}`))
  })
  if (all.length === 0) return '<none>'
  return all.slice(0, SHOWN).join(',') + (all.length > SHOWN ? ` + ${all.length - SHOWN} more...` : '')
}

function validate({ subsets }: Endpoints, errors: FieldErrors): void {
  for (const [i, subset] of (subsets ?? []).entries()) validateSubset(subset, SUBSETS.index(i), errors)
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, path: Path, errors: FieldErrors): void {
  if (addresses.length + notReadyAddresses.length === 0)
    errors.push(fieldError.required(path, 'must specify `addresses` or `notReadyAddresses`'))
  for (const [i, address] of addresses.entries()) validateAddress(address, path.child('addresses').index(i), errors)
  for (const [i, address] of notReadyAddresses.entries()) validateAddress(address, path.child('notReadyAddresses').index(i), errors)
  for (const [i, port] of ports.entries()) {
    const at = path.child('ports').index(i)
    const name = port.name ?? ''
    if (name !== '') invalidText(name, dnsLabelErrors(name), at.child('name'), errors)
    else if (ports.length > 1) errors.push(fieldError.required(at.child('name')))
    invalidText(port.port, portNumberErrors(port.port), at.child('port'), errors)
    if (validateRequired(port.protocol, at.child('protocol'), errors))
      validateEnum(port.protocol, ['SCTP', 'TCP', 'UDP'], at.child('protocol'), errors)
    if (port.appProtocol !== undefined)
      invalidText(port.appProtocol, qualifiedNameErrors(port.appProtocol), at.child('appProtocol'), errors)
  }
}

function formWarnings({ subsets = [] }: Endpoints): readonly string[] {
  const warnings: string[] = []
  for (const [i, subset] of subsets.entries())
    for (const list of ['addresses', 'notReadyAddresses'] as const)
      for (const [at, { ip }] of (subset[list] ?? []).entries()) ipFormWarnings(ip ?? '', `subsets[${i}].${list}[${at}].ip`, warnings)
  return warnings
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, path: Path, errors: FieldErrors): void {
  const at = path.child('ip')
  const messages = newIpErrors(ip ?? '')
  invalidText(ip ?? '', messages, at, errors)
  if ((hostname ?? '') !== '') invalidText(hostname, dnsLabelErrors(hostname ?? ''), path.child('hostname'), errors)
  if (nodeName !== undefined) invalidText(nodeName, dnsSubdomainErrors(nodeName), path.child('nodeName'), errors)
  // Kubernetes looks at an address twice: once for its form, once for where it leads.
  if (ipErrors(ip ?? '').length > 0) errors.push(fieldError.invalid(at, ip ?? '', 'must be a valid IP address'))
  else validateRoutable(ip ?? '', at, errors)
}
