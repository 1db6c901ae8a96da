import {
  atMost128Matches,
  backend,
  filterOf,
  headerFilter,
  headerMatch,
  hostnames,
  localReference,
  mirrorFilter,
  onlyOnce,
  parentRefs,
  routeStatus,
  uniqueRuleNames,
} from './parts.ts'
import { definition, hostname, list, listBy, must, object, oneOf, sectionName, text, withRules } from './schema.ts'

const SERVICE = '^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$'
const METHOD = '^[A-Za-z_][A-Za-z_0-9]*$'
const isExact = "(!has(self.type) || self.type == 'Exact')"

const methodMatch = withRules(
  object({
    type: { ...oneOf('Exact', 'RegularExpression'), default: 'Exact' },
    service: text({ maxLength: 1024 }),
    method: text({ maxLength: 1024 }),
  }),
  must("One or both of 'service' or 'method' must be specified", 'has(self.type) ? has(self.service) || has(self.method) : true'),
  must(
    `service must only contain valid characters (matching ${SERVICE})`,
    `${isExact} && has(self.service) ? self.service.matches(r"""${SERVICE}""") : true`,
  ),
  must(
    `method must only contain valid characters (matching ${METHOD})`,
    `${isExact} && has(self.method) ? self.method.matches(r"""${METHOD}""") : true`,
  ),
)

const filters = withRules(
  list(
    filterOf({
      responseHeaderModifier: ['ResponseHeaderModifier', headerFilter],
      requestHeaderModifier: ['RequestHeaderModifier', headerFilter],
      requestMirror: ['RequestMirror', mirrorFilter],
      extensionRef: ['ExtensionRef', localReference],
    }),
    16,
  ),
  onlyOnce('RequestHeaderModifier'),
  onlyOnce('ResponseHeaderModifier'),
)

export const grpcRoute = definition({
  kind: 'GRPCRoute',
  plural: 'grpcroutes',
  scope: 'Namespaced',
  columns: [['Hostnames', '.spec.hostnames']],
  versions: ['v1'],
  stored: 'v1',
  isSpecRequired: false,
  spec: object({
    parentRefs,
    hostnames,
    rules: withRules(
      list(
        object({
          name: sectionName,
          matches: list(object({ method: methodMatch, headers: listBy('name', headerMatch, 16) }), 64),
          filters,
          backendRefs: list(backend(filters), 16),
        }),
        16,
      ),
      uniqueRuleNames,
      atMost128Matches((one) => `(has(${one}.matches) ? ${one}.matches.size() : 0)`),
    ),
  }),
  status: routeStatus,
})

const NAME = '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$'

export const tlsRoute = definition({
  kind: 'TLSRoute',
  plural: 'tlsroutes',
  scope: 'Namespaced',
  columns: [],
  versions: ['v1'],
  stored: 'v1',
  spec: object(
    {
      parentRefs,
      hostnames: withRules(
        list(hostname, 1024, { minItems: 1 }),
        must('Hostnames cannot contain an IP', 'self.all(h, !isIP(h))'),
        must('Hostnames must be valid based on RFC-1123', `self.all(h, !h.contains('*') ? h.matches('${NAME}') : true)`),
        must(
          'Wildcards on hostnames must be the first label, and the rest of hostname must be valid based on RFC-1123',
          `self.all(h, h.contains('*') ? (h.startsWith('*.') && h.substring(2).matches('${NAME}')) : true)`,
        ),
      ),
      rules: list(object({ name: sectionName, backendRefs: list(backend(), 16, { minItems: 1 }) }, ['backendRefs']), 1, { minItems: 1 }),
    },
    ['hostnames', 'rules'],
  ),
  status: routeStatus,
})
