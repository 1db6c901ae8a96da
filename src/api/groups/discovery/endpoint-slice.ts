import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Endpoint, EndpointSlice } from '../../types/discovery-v1.gen.ts'
import { validateDomainName } from '../../validation/domain-name.ts'
import { newIpErrors, parseIp, strictIpErrors } from '../../validation/ip.ts'
import { dnsLabelErrors, dnsSubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText, validateEnum, validateImmutable, validateRequired } from '../../validation/values.ts'
import { validateRoutable } from '../core/services/service-validation.ts'

const TYPE = Path.of('addressType')
const ENDPOINTS = Path.of('endpoints')
const PORTS = Path.of('ports')
const MOST_ENDPOINTS = 1000
const MOST_ADDRESSES = 100
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const MOST_PORTS = 20_000
const MOST_HINTS = 8
const SHOWN = 3

export const endpointSlices = defineResource(refs.endpointslices, {
  strategy: {
    countsAsSent: true,
    generation: (slice, old) => !deepEqual(wanted(slice), wanted(old)),
    defaults: ({ ports }: EndpointSlice) => {
      for (const port of ports ?? []) {
        port.name ??= ''
        port.protocol ??= 'TCP'
      }
    },
    prepareForCreate: dropTopology,
    prepareForUpdate: dropTopology,
    validate: (slice, errors) => validate(slice, errors),
    validateUpdate: (slice, old, errors) => {
      validate(slice, errors, old)
      validateImmutable(slice.addressType, old.addressType, TYPE, errors)
    },
    warnings: ({ addressType }, old) =>
      addressType === 'FQDN' && old === undefined ? ['spec.addressType: FQDN endpoints are deprecated'] : [],
  },
  columns: {
    AddressType: ({ addressType }) => addressType ?? '',
    Ports: ({ ports }) =>
      shortened((ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port)))) || '<unset>',
    Endpoints: ({ endpoints }) => shortened((endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])) || '<unset>',
  },
})

/** Everything but the metadata, and the labels. */
const wanted = ({ metadata, addressType, endpoints, ports }: EndpointSlice): unknown => ({
  labels: metadata?.labels ?? {},
  addressType,
  endpoints,
  ports,
})

/** A field of older versions. */
function dropTopology({ endpoints }: EndpointSlice): void {
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology
}

const shortened = (all: readonly string[]): string =>
  all.slice(0, SHOWN).join(',') + (all.length > SHOWN ? ` + ${all.length - SHOWN} more...` : '')

function validate({ addressType, endpoints, ports }: EndpointSlice, errors: FieldErrors, old?: EndpointSlice): void {
  if (validateRequired(addressType, TYPE, errors)) validateEnum(addressType, ['FQDN', 'IPv4', 'IPv6'], TYPE, errors)
  validatePorts(ports ?? [], errors)
  const all = endpoints ?? []
  // What was accepted once is accepted still.
  if (old !== undefined && deepEqual(endpoints, old.endpoints)) return
  if (all.length > MOST_ENDPOINTS) errors.push(fieldError.tooMany(ENDPOINTS, all.length, MOST_ENDPOINTS))
  else for (const [i, endpoint] of all.entries()) validateEndpoint(endpoint, addressType, ENDPOINTS.index(i), errors)
}

function validateEndpoint(endpoint: Endpoint, type: string | undefined, path: Path, errors: FieldErrors): void {
  const addresses = endpoint.addresses ?? []
  const at = path.child('addresses')
  if (addresses.length === 0) errors.push(fieldError.required(at, 'must contain at least 1 address'))
  else if (addresses.length > MOST_ADDRESSES) errors.push(fieldError.tooMany(at, addresses.length, MOST_ADDRESSES))
  for (const [i, address] of addresses.entries()) {
    if (type === 'FQDN') validateDomainName(address, at.index(i), errors)
    else if (type === 'IPv4' || type === 'IPv6') validateAddress(address, type, at, at.index(i), errors)
  }
  if (endpoint.nodeName !== undefined) invalidText(endpoint.nodeName, dnsSubdomainErrors(endpoint.nodeName), path.child('nodeName'), errors)
  if (endpoint.hostname !== undefined) invalidText(endpoint.hostname, dnsLabelErrors(endpoint.hostname), path.child('hostname'), errors)
  for (const list of ['forZones', 'forNodes'] as const) {
    const hints = endpoint.hints?.[list] ?? []
    const hintPath = path.child('hints').child(list)
    if (hints.length > MOST_HINTS) errors.push(fieldError.tooMany(hintPath, hints.length, MOST_HINTS))
    const seen = new Set<string>()
    for (const [i, { name }] of hints.entries()) {
      const named = hintPath.index(i).child('name')
      if (seen.has(name)) errors.push(fieldError.duplicate(named, name))
      seen.add(name)
      invalidText(name, list === 'forZones' ? labelValueErrors(name) : dnsSubdomainErrors(name), named, errors)
    }
  }
}

function validateAddress(address: string, type: 'IPv4' | 'IPv6', all: Path, path: Path, errors: FieldErrors): void {
  const messages = type === 'IPv4' ? newIpErrors(address) : strictIpErrors(address)
  invalidText(address, messages, path, errors)
  if (messages.length > 0) return
  if (`IPv${parseIp(address)?.family ?? ''}` !== type) errors.push(fieldError.invalid(all, address, `must be an ${type} address`))
  validateRoutable(address, path, errors)
}

function validatePorts(ports: NonNullable<EndpointSlice['ports']>, errors: FieldErrors): void {
  if (ports.length > MOST_PORTS) {
    errors.push(fieldError.tooMany(PORTS, ports.length, MOST_PORTS))
    return
  }
  const names = new Set<string>()
  for (const [i, { name = '', protocol, appProtocol }] of ports.entries()) {
    const path = PORTS.index(i)
    if (name !== '') invalidText(name, dnsLabelErrors(name), path.child('name'), errors)
    if (names.has(name)) errors.push(fieldError.duplicate(path.child('name'), name))
    names.add(name)
    if (protocol === undefined) errors.push(fieldError.required(path.child('protocol')))
    else if (!PROTOCOLS.includes(protocol)) errors.push(fieldError.notSupported(path.child('protocol'), protocol, PROTOCOLS))
    if (appProtocol !== undefined) invalidText(appProtocol, qualifiedNameErrors(appProtocol), path.child('appProtocol'), errors)
  }
}
