import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../types/networking-v1.gen.ts'
import { cidrContains, newCidrErrors, parseCidr } from '../../validation/ip.ts'
import { validateLabelSelector } from '../../validation/label-selector.ts'
import { portNameErrors, portNumberErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'
import { SPEC, selectorCell } from '../../workloads/workload.ts'

const POLICY_TYPES = ['Ingress', 'Egress']
const PROTOCOLS = ['TCP', 'UDP', 'SCTP']

export const networkPolicies = defineResource(refs.networkpolicies, {
  strategy: {
    generation: 'spec',
    countsEmpty: true,
    defaults,
    validate,
    validateUpdate: (policy, _old, errors) => validate(policy, errors),
  },
  columns: { 'Pod-Selector': ({ spec }) => selectorCell(spec?.podSelector ?? {}) },
})

function defaults(policy: NetworkPolicy): void {
  policy.spec ??= {}
  const { spec } = policy
  for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports ?? []) port.protocol ??= 'TCP'
  // Whoever says nothing of outgoing traffic leaves it alone.
  if ((spec.policyTypes ?? []).length === 0) spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
}

function validate({ spec = {} }: NetworkPolicy, errors: FieldErrors): void {
  validateLabelSelector(spec.podSelector, SPEC.child('podSelector'), errors)
  spec.ingress?.forEach(({ ports, from }, at) => validateTraffic(ports, from, 'from', SPEC.child('ingress').index(at), errors))
  spec.egress?.forEach(({ ports, to }, at) => validateTraffic(ports, to, 'to', SPEC.child('egress').index(at), errors))
  const path = SPEC.child('policyTypes')
  const types = spec.policyTypes ?? []
  if (types.length > POLICY_TYPES.length) errors.push(fieldError.invalid(path, types, 'may not specify more than two policyTypes'))
  else
    types.forEach((type, at) => {
      if (!POLICY_TYPES.includes(type)) errors.push(fieldError.notSupported(path.index(at), type, POLICY_TYPES))
    })
}

function validateTraffic(
  ports: readonly NetworkPolicyPort[] | undefined,
  peers: readonly NetworkPolicyPeer[] | undefined,
  peersName: string,
  path: Path,
  errors: FieldErrors,
): void {
  ports?.forEach((port, at) => validatePort(port, path.child('ports').index(at), errors))
  peers?.forEach((peer, at) => validatePeer(peer, path.child(peersName).index(at), errors))
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: Path, errors: FieldErrors): void {
  if (protocol !== undefined && !PROTOCOLS.includes(protocol))
    errors.push(fieldError.notSupported(path.child('protocol'), protocol, PROTOCOLS))
  const refuseEnd = (why: string): void => {
    if (endPort !== undefined) errors.push(fieldError.invalid(path.child('endPort'), endPort, why))
  }
  if (port === undefined) refuseEnd('may not be specified when `port` is not specified')
  else if (typeof port === 'string') {
    refuseEnd('may not be specified when `port` is non-numeric')
    invalidText(port, portNameErrors(port), path.child('port'), errors)
  } else {
    invalidText(port, portNumberErrors(port), path.child('port'), errors)
    if (endPort === undefined) return
    if (port > endPort) errors.push(fieldError.invalid(path.child('endPort'), port, 'must be greater than or equal to `port`'))
    invalidText(endPort, portNumberErrors(endPort), path.child('endPort'), errors)
  }
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: Path, errors: FieldErrors): void {
  validateLabelSelector(podSelector, path.child('podSelector'), errors)
  validateLabelSelector(namespaceSelector, path.child('namespaceSelector'), errors)
  if (ipBlock !== undefined) validateBlock(ipBlock, path.child('ipBlock'), errors)
  const selects = podSelector !== undefined || namespaceSelector !== undefined
  if (!selects && ipBlock === undefined) errors.push(fieldError.required(path, 'must specify a peer'))
  else if (selects && ipBlock !== undefined) errors.push(fieldError.forbidden(path, 'may not specify both ipBlock and another peer'))
}

function validateBlock({ cidr = '', except }: IPBlock, path: Path, errors: FieldErrors): void {
  if (cidr === '') {
    errors.push(fieldError.required(path.child('cidr')))
    return
  }
  invalidText(cidr, newCidrErrors(cidr), path.child('cidr'), errors)
  const whole = parseCidr(cidr)
  if (whole === undefined) return
  except?.forEach((text, at) => {
    const exceptPath = path.child('except').index(at)
    invalidText(text, newCidrErrors(text), exceptPath, errors)
    const part = parseCidr(text)
    if (part !== undefined && (!cidrContains(whole, part.ip) || whole.prefix >= part.prefix))
      errors.push(fieldError.invalid(exceptPath, text, 'must be a strict subset of `cidr`'))
  })
}
