import { parentReference, routeGroupKind, secretReference } from './parts.ts'
import {
  type Rule,
  addressType,
  annotationValue,
  conditions,
  controllerName,
  definition,
  group,
  hostname,
  kind,
  labelSelector,
  labelValue,
  list,
  listBy,
  must,
  namespace,
  object,
  objectName,
  oneOf,
  port,
  protocol,
  sectionName,
  text,
  valueMap,
  waiting,
  whole,
  withRules,
} from './schema.ts'

const HOSTNAME = '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'
const KEY = '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$'
const keyRules = (what: 'Label' | 'Annotation'): readonly Rule[] => [
  must(
    `${what} keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.`,
    `self.all(key, key.matches(r"""${KEY}"""))`,
  ),
  must(
    `If specified, the ${what.toLowerCase()} key's prefix must be a DNS subdomain not longer than 253 characters in total.`,
    'self.all(key, key.split("/")[0].size() < 253)',
  ),
]

export const gatewayClass = definition({
  kind: 'GatewayClass',
  plural: 'gatewayclasses',
  shortNames: ['gc'],
  scope: 'Cluster',
  columns: [
    ['Controller', '.spec.controllerName'],
    ['Accepted', '.status.conditions[?(@.type=="Accepted")].status'],
    ['Description', '.spec.description', 1],
  ],
  versions: ['v1', 'v1beta1'],
  stored: 'v1',
  spec: object(
    {
      controllerName: withRules(controllerName, must('Value is immutable', 'self == oldSelf')),
      parametersRef: object({ group, kind, name: objectName, namespace }, ['group', 'kind', 'name']),
      description: text({ maxLength: 64 }),
    },
    ['controllerName'],
  ),
  status: object(
    {
      conditions: conditions({ default: waiting('Accepted') }),
      supportedFeatures: listBy('name', object({ name: text() }, ['name']), 64),
    },
    [],
    { default: { conditions: waiting('Accepted') } },
  ),
})

const listener = object(
  {
    name: sectionName,
    hostname,
    port,
    protocol,
    tls: withRules(
      object({
        mode: { ...oneOf('Terminate', 'Passthrough'), default: 'Terminate' },
        certificateRefs: list(secretReference, 64),
        options: valueMap(16, annotationValue),
      }),
      must(
        'certificateRefs or options must be specified when mode is Terminate',
        "self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true",
      ),
    ),
    allowedRoutes: object(
      {
        namespaces: object({ from: { ...oneOf('All', 'Selector', 'Same'), default: 'Same' }, selector: labelSelector }, [], {
          default: { from: 'Same' },
        }),
        kinds: list(routeGroupKind, 8),
      },
      [],
      { default: { namespaces: { from: 'Same' } } },
    ),
  },
  ['name', 'port', 'protocol'],
)

const listeners = withRules(
  listBy('name', listener, 64, { minItems: 1 }),
  must(
    "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
    "self.all(l, l.protocol.matches('(?i)^(HTTP|TCP|UDP)$') ? !has(l.tls) : true)",
  ),
  must(
    'tls mode must be Terminate for protocol HTTPS',
    "self.all(l, (l.protocol.matches('(?i)^HTTPS$') && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)",
  ),
  must(
    'tls mode must be set for protocol TLS',
    "self.all(l, (l.protocol.matches('(?i)^TLS$') ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))",
  ),
  must(
    "hostname must not be specified for protocols ['TCP', 'UDP']",
    "self.all(l, l.protocol.matches('(?i)^(TCP|UDP)$')  ? (!has(l.hostname) || l.hostname == '') : true)",
  ),
  must('Listener name must be unique within the Gateway', 'self.all(l1, self.exists_one(l2, l1.name == l2.name))'),
  must(
    'Combination of port, protocol and hostname must be unique for each listener',
    'self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))',
  ),
)

const uniqueValues = (type: string): Rule =>
  must(
    `${type} values must be unique`,
    `self.all(a1, a1.type == '${type}' && has(a1.value) ? self.exists_one(a2, a2.type == a1.type && has(a2.value) && a2.value == a1.value) : true )`,
  )
const address = { type: { ...addressType, default: 'IPAddress' } }

export const gateway = definition({
  kind: 'Gateway',
  plural: 'gateways',
  shortNames: ['gtw'],
  scope: 'Namespaced',
  columns: [
    ['Class', '.spec.gatewayClassName'],
    ['Address', '.status.addresses[*].value'],
    ['Programmed', '.status.conditions[?(@.type=="Programmed")].status'],
  ],
  versions: ['v1', 'v1beta1'],
  stored: 'v1',
  spec: object(
    {
      gatewayClassName: objectName,
      listeners,
      addresses: withRules(
        list(
          withRules(
            object({ ...address, value: text({ maxLength: 253 }) }),
            must(
              `Hostname value must be empty or contain only valid characters (matching ${HOSTNAME})`,
              `self.type == 'Hostname' ? (!has(self.value) || self.value.matches(r"""${HOSTNAME}""")): true`,
            ),
          ),
          16,
        ),
        uniqueValues('IPAddress'),
        uniqueValues('Hostname'),
      ),
      infrastructure: object({
        labels: withRules(valueMap(8, labelValue), ...keyRules('Label')),
        annotations: withRules(valueMap(16, annotationValue), ...keyRules('Annotation')),
        parametersRef: object({ group, kind, name: objectName }, ['group', 'kind', 'name']),
      }),
      allowedListeners: object({
        namespaces: object({ from: { ...oneOf('All', 'Selector', 'Same', 'None'), default: 'None' }, selector: labelSelector }, [], {
          default: { from: 'None' },
        }),
      }),
      // Kept as it is written, to be refused by name: neither part of it is served.
      tls: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
    ['gatewayClassName', 'listeners'],
  ),
  status: object(
    {
      addresses: list(
        withRules(
          object({ ...address, value: text({ minLength: 1, maxLength: 253 }) }, ['value']),
          must(
            `Hostname value must only contain valid characters (matching ${HOSTNAME})`,
            `self.type == 'Hostname' ? self.value.matches(r"""${HOSTNAME}"""): true`,
          ),
        ),
        16,
      ),
      attachedListenerSets: whole(),
      conditions: conditions({ default: waiting('Accepted', 'Programmed') }),
      listeners: listBy(
        'name',
        object({ name: sectionName, supportedKinds: list(routeGroupKind, 8), attachedRoutes: whole(), conditions: conditions() }, [
          'name',
          'attachedRoutes',
          'conditions',
        ]),
        64,
      ),
    },
    [],
    { default: { conditions: waiting('Accepted', 'Programmed') } },
  ),
})

export const policyStatus = object(
  {
    ancestors: list(
      object({ ancestorRef: parentReference, controllerName, conditions: conditions({ minItems: 1 }) }, [
        'ancestorRef',
        'controllerName',
        'conditions',
      ]),
      16,
    ),
  },
  ['ancestors'],
)
