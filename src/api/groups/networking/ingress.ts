import { ingressWarnings } from '../../validation/form-warnings.ts'
import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Ingress, IngressRule, IngressSpec } from '../../types/networking-v1.gen.ts'
import { newIpErrors, parseIp } from '../../validation/ip.ts'
import { dnsSubdomainErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'
import { SPEC, STATUS, keepSpec, keepStatus } from '../../workloads/workload.ts'
import { validateBackend, validateRule, validateTls } from './ingress-rules.ts'

/** Older than the field of the same meaning. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const SHOWN_HOSTS = 3

export const ingresses = defineResource(refs.ingresses, {
  strategy: {
    generation: 'spec',
    prepareForCreate: (ingress) => {
      ingress.status = { loadBalancer: {} }
    },
    prepareForUpdate: keepStatus,
    validate: (ingress, errors) => {
      validateSpec(ingress.spec ?? {}, undefined, errors)
      const annotation = ingress.metadata?.annotations?.[CLASS_ANNOTATION]
      const name = ingress.spec?.ingressClassName
      if (annotation === undefined || name === undefined || annotation === name) return
      const path = Path.of('annotations', CLASS_ANNOTATION)
      errors.push(fieldError.invalid(path, annotation, 'must match `ingressClassName` when both are specified'))
    },
    validateUpdate: (ingress, old, errors) => validateSpec(ingress.spec ?? {}, old.spec, errors),
    warnings: ({ metadata }, old) =>
      old === undefined && metadata?.annotations?.[CLASS_ANNOTATION] !== undefined
        ? [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
        : [],
  },
  columns: {
    Class: ({ spec }) => spec?.ingressClassName ?? '<none>',
    Hosts: ({ spec }) => hostsText(spec?.rules ?? []),
    Address: addressText,
    Ports: ({ spec }) => ((spec?.tls ?? []).length > 0 ? '80, 443' : '80'),
  },
  subresources: { status: { type: 'status', prepareForUpdate: keepSpec, validateUpdate: validateStatus } },
})

function hostsText(rules: readonly IngressRule[]): string {
  const hosts: string[] = []
  let more = false
  for (const { host = '' } of rules) {
    if (hosts.length === SHOWN_HOSTS) more = true
    if (!more && host !== '') hosts.push(host)
  }
  if (hosts.length === 0) return '*'
  return more ? `${hosts.join(',')} + ${rules.length - SHOWN_HOSTS} more...` : hosts.join(',')
}

function addressText({ status }: Ingress): string {
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip = '', hostname = '' }) => (ip === '' ? hostname : ip))
  return [...new Set(addresses.filter((address) => address !== ''))].sort().join(',')
}

function validateSpec(spec: IngressSpec, old: IngressSpec | undefined, errors: FieldErrors): void {
  const { rules, defaultBackend, tls, ingressClassName } = spec
  if ((rules ?? []).length === 0 && defaultBackend === undefined)
    errors.push(fieldError.invalid(SPEC, rules ?? null, 'either `defaultBackend` or `rules` must be specified'))
  if (defaultBackend !== undefined) validateBackend(defaultBackend, SPEC.child('defaultBackend'), errors)
  rules?.forEach((rule, at) => validateRule(rule, SPEC.child('rules').index(at), errors))
  const kept = new Set(old?.tls?.map(({ secretName }) => secretName))
  tls?.forEach((one, at) => validateTls(one, !kept.has(one.secretName), SPEC.child('tls').index(at), errors))
  if (ingressClassName !== undefined)
    invalidText(ingressClassName, dnsSubdomainErrors(ingressClassName), SPEC.child('ingressClassName'), errors)
}

function validateStatus({ status }: Ingress, _old: Ingress, errors: FieldErrors, warn?: (text: string) => void): void {
  ingressWarnings(status?.loadBalancer?.ingress).forEach((text) => warn?.(text))
  status?.loadBalancer?.ingress?.forEach(({ ip = '', hostname = '' }, at) => {
    const path = STATUS.child('loadBalancer').child('ingress').index(at)
    if (ip !== '') invalidText(ip, newIpErrors(ip), path.child('ip'), errors)
    if (hostname === '') return
    invalidText(hostname, dnsSubdomainErrors(hostname), path.child('hostname'), errors)
    if (parseIp(hostname) !== undefined)
      errors.push(fieldError.invalid(path.child('hostname'), hostname, 'must be a DNS name, not an IP address'))
  })
}
