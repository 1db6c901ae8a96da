import { policyStatus } from './gateway.ts'
import { localReference, targetRules } from './parts.ts'
import {
  absoluteUri,
  annotationValue,
  definition,
  group,
  hostname,
  kind,
  list,
  must,
  namespace,
  object,
  objectName,
  oneOf,
  preciseHostname,
  sectionName,
  valueMap,
  withRules,
} from './schema.ts'

export const referenceGrant = definition({
  kind: 'ReferenceGrant',
  plural: 'referencegrants',
  shortNames: ['refgrant'],
  scope: 'Namespaced',
  columns: [],
  versions: ['v1', 'v1beta1'],
  stored: 'v1beta1',
  isSpecRequired: false,
  spec: object(
    {
      from: list(object({ group, kind, namespace }, ['group', 'kind', 'namespace']), 16, { minItems: 1 }),
      to: list(object({ group, kind, name: objectName }, ['group', 'kind']), 16, { minItems: 1 }),
    },
    ['from', 'to'],
  ),
})

const ofType = (type: string, field: string, word: string): readonly ReturnType<typeof must>[] => [
  must(
    `SubjectAltName element must contain ${word}, if Type is set to ${type}`,
    `!(self.type == "${type}" && (!has(self.${field}) || self.${field} == ""))`,
  ),
  must(
    `SubjectAltName element must not contain ${word}, if Type is not set to ${type}`,
    `!(self.type != "${type}" && has(self.${field}) && self.${field} != "")`,
  ),
]
const refsGiven = 'has(self.caCertificateRefs) && size(self.caCertificateRefs) > 0'
const wellKnownGiven = 'has(self.wellKnownCACertificates) && self.wellKnownCACertificates != ""'

export const backendTLSPolicy = definition({
  kind: 'BackendTLSPolicy',
  plural: 'backendtlspolicies',
  shortNames: ['btlspolicy'],
  labels: { 'gateway.networking.k8s.io/policy': 'Direct' },
  scope: 'Namespaced',
  columns: [],
  versions: ['v1'],
  stored: 'v1',
  spec: object(
    {
      targetRefs: withRules(
        list(object({ group, kind, name: objectName, sectionName }, ['group', 'kind', 'name']), 16, { minItems: 1 }),
        ...targetRules,
      ),
      validation: withRules(
        object(
          {
            caCertificateRefs: list(localReference, 8),
            wellKnownCACertificates: oneOf('System'),
            hostname: preciseHostname,
            subjectAltNames: list(
              withRules(
                object({ type: oneOf('Hostname', 'URI'), hostname, uri: absoluteUri }, ['type']),
                ...ofType('Hostname', 'hostname', 'Hostname'),
                ...ofType('URI', 'uri', 'URI'),
              ),
              5,
            ),
          },
          ['hostname'],
        ),
        must('must not contain both CACertificateRefs and WellKnownCACertificates', `!(${refsGiven} && ${wellKnownGiven})`),
        must('must specify either CACertificateRefs or WellKnownCACertificates', `(${refsGiven} || ${wellKnownGiven})`),
      ),
      options: valueMap(16, annotationValue),
    },
    ['targetRefs', 'validation'],
  ),
  status: policyStatus,
})
